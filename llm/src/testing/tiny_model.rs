//! Builds models small enough to write in a test: a few layers, random weights, a vocabulary of bytes.

use std::io::{Cursor, Write};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tempfile::NamedTempFile;

pub(crate) const HIDDEN: usize = 256;
const HEADS: usize = 4;
/// The range of weights. Real ones are small, too; with large ones every rounding would change the answer.
const SPREAD: f32 = 0.125;
pub(crate) const KEY_VALUE: usize = 128;
pub(crate) const FEED_FORWARD: usize = 320;

pub(crate) const IM_START: u32 = 256;
pub(crate) const IM_END: u32 = 257;

/// A model file that can be changed before it is written.
pub(crate) struct TinyModel {
    pub(crate) metadata: Vec<(String, Value)>,
    pub(crate) tensors: Vec<(String, QTensor)>,
}

impl TinyModel {
    pub(crate) fn llama() -> Self {
        Self::of("llama")
    }

    /// A model of the family that GGUF calls `architecture`, with everything that is special about the family.
    pub(crate) fn of(architecture: &str) -> Self {
        let (layers, mut metadata) = match architecture {
            // The last of its six layers is not local.
            "gemma3" => (6, vec![("gemma3.attention.sliding_window".to_owned(), Value::U32(20))]),
            _ => (2, Vec::new()),
        };
        metadata.extend(sizes(architecture, layers));
        Self { metadata, tensors: tensors(architecture, layers).expect("constant shapes") }
    }

    /// Sets the metadata under `key`.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.metadata.retain(|(known, _)| known != key);
        self.metadata.push((key.to_owned(), value));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let metadata: Vec<_> = self.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<_> = self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &metadata, &tensors).expect("memory takes any file");
        file.into_inner()
    }

    pub(crate) fn file(&self) -> NamedTempFile {
        file_of(&self.bytes())
    }
}

pub(crate) fn file_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for a small file");
    file
}

/// Random weights, the same each time.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new() -> Self {
        Self(ChaCha8Rng::seed_from_u64(1))
    }

    fn rows(&mut self, rows: usize, row: usize) -> Result<Tensor> {
        let mut number = || (self.0.next_u32() as f32 / u32::MAX as f32 - 0.5) * SPREAD;
        Tensor::from_iter((0..rows * row).map(|_| number()), &Device::Cpu)?.reshape((rows, row))
    }

    pub(crate) fn matrix(&mut self, rows: usize, row: usize, format: GgmlDType) -> QTensor {
        let rows = self.rows(rows, row).expect("constant shapes");
        QTensor::quantize(&rows, format).expect("constant shapes")
    }
}

/// Weights of a norm: around 1, each different.
pub(crate) fn norm(length: usize) -> QTensor {
    norm_around(1.0, length)
}

fn norm_around(middle: f32, length: usize) -> QTensor {
    let weights = (0..length).map(|at| middle * (1.0 + (at % 7) as f32 * 0.05));
    let weights = Tensor::from_iter(weights, &Device::Cpu).expect("constant shapes");
    QTensor::quantize(&weights, GgmlDType::F32).expect("constant shapes")
}

fn tensors(architecture: &str, layers: u32) -> Result<Vec<(String, QTensor)>> {
    let mut random = Random::new();
    // Markup has the logit 0, so that it is never the likeliest, and greedy answers end only at their limit.
    let no_markup = Tensor::zeros((2, HIDDEN), candle_core::DType::F32, &Device::Cpu)?;
    let embedding = Tensor::cat(&[random.rows(IM_START as usize, HIDDEN)?, no_markup], 0)?;
    let mut matrix = |rows, row, format| random.matrix(rows, row, format);
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), QTensor::quantize(&embedding, GgmlDType::Q8_0)?),
        ("output_norm.weight".to_owned(), norm(HIDDEN)),
    ];
    if architecture == "exaone" {
        tensors.push(("rope_freqs.weight".to_owned(), norm(HIDDEN / HEADS / 2)));
    }
    for layer in 0..layers {
        let mut add = |name: &str, tensor| tensors.push((format!("blk.{layer}.{name}"), tensor));
        add("attn_norm.weight", norm(HIDDEN));
        add("attn_q.weight", matrix(HIDDEN, HIDDEN, GgmlDType::Q8_0));
        add("attn_k.weight", matrix(KEY_VALUE, HIDDEN, GgmlDType::Q4_1));
        add("attn_v.weight", matrix(KEY_VALUE, HIDDEN, GgmlDType::Q8_0));
        add("attn_output.weight", matrix(HIDDEN, HIDDEN, GgmlDType::Q8_0));
        add("ffn_norm.weight", norm(HIDDEN));
        add("ffn_gate.weight", matrix(FEED_FORWARD, HIDDEN, GgmlDType::Q8_0));
        add("ffn_up.weight", matrix(FEED_FORWARD, HIDDEN, GgmlDType::Q8_0));
        add("ffn_down.weight", matrix(HIDDEN, FEED_FORWARD, GgmlDType::Q8_0));
        if architecture == "qwen2" {
            add("attn_q.bias", norm(HIDDEN));
            add("attn_k.bias", norm(KEY_VALUE));
            add("attn_v.bias", norm(KEY_VALUE));
        }
        if matches!(architecture, "qwen3" | "gemma3") {
            add("attn_q_norm.weight", norm(HIDDEN / HEADS));
            add("attn_k_norm.weight", norm(HIDDEN / HEADS));
        }
        if architecture == "gemma3" {
            add("post_attention_norm.weight", norm_around(0.25, HIDDEN));
            add("post_ffw_norm.weight", norm_around(0.25, HIDDEN));
        }
    }
    Ok(tensors)
}

fn sizes(architecture: &str, layers: u32) -> Vec<(String, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    let sizes = [
        ("context_length", 8192),
        ("embedding_length", HIDDEN as u32),
        ("block_count", layers),
        ("feed_forward_length", FEED_FORWARD as u32),
        ("attention.head_count", HEADS as u32),
        ("attention.head_count_kv", 2),
        ("attention.key_length", (HIDDEN / HEADS) as u32),
        ("attention.value_length", (HIDDEN / HEADS) as u32),
        ("rope.dimension_count", (HIDDEN / HEADS) as u32),
    ];
    let mut metadata = vec![
        ("general.architecture".to_owned(), text(architecture)),
        ("general.name".to_owned(), text("Tiny")),
        (format!("{architecture}.attention.layer_norm_rms_epsilon"), Value::F32(1e-5)),
        (format!("{architecture}.rope.freq_base"), Value::F32(10_000.0)),
        ("tokenizer.ggml.model".to_owned(), text("gpt2")),
        ("tokenizer.ggml.pre".to_owned(), text("smollm")),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array(tokens().iter().map(|token| text(token)).collect()),
        ),
        ("tokenizer.ggml.merges".to_owned(), Value::Array(Vec::new())),
        ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(IM_END)),
    ];
    let kinds = (0..=IM_END).map(|id| Value::I32(if id >= IM_START { 3 } else { 1 }));
    metadata.push(("tokenizer.ggml.token_type".to_owned(), Value::Array(kinds.collect())));
    metadata.extend(sizes.map(|(key, size)| (format!("{architecture}.{key}"), Value::U32(size))));
    metadata
}

/// The characters of bytes, then ChatML's markup.
fn tokens() -> Vec<String> {
    let mut characters: Vec<char> =
        tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect();
    characters.sort_unstable();
    let markup = ["<|im_start|>", "<|im_end|>"].map(str::to_owned);
    characters.into_iter().map(String::from).chain(markup).collect()
}
