//! What a model is by its file's metadata, and whether its tensors are what that needs.
//!
//! Owns the list of architectures. After these checks candle finds every tensor it asks for, in the shape it needs,
//! and every number it multiplies is one that the file's own tensors confirm.

use crate::LoadError;
use crate::gguf::Gguf;

/// The architectures this engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// Llama 2 and 3, SmolLM2, Mistral.
    Llama,
    /// Qwen2 and Qwen2.5.
    Qwen2,
}

impl Architecture {
    /// Its name in GGUF, which also begins its metadata keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
        }
    }

    fn named(name: &str) -> Result<Self, LoadError> {
        [Self::Llama, Self::Qwen2]
            .into_iter()
            .find(|architecture| architecture.name() == name)
            .ok_or_else(|| LoadError::UnsupportedArchitecture(name.to_owned()))
    }
}

/// A transformer's sizes.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The architecture.
    pub(crate) architecture: Architecture,
    /// Positions the model was trained for.
    pub(crate) context_tokens: usize,
    /// Size of one attention head.
    pub(crate) head_size: usize,
    layers: usize,
    hidden_size: usize,
    /// Keys and values of all their heads together.
    key_value_size: usize,
    feed_forward_size: usize,
}

/// More than any model has.
const MAX_LAYERS: usize = 1024;

impl Shape {
    /// Reads the sizes and checks all tensors against them. `vocabulary` is the number of tokens.
    pub(crate) fn read(gguf: &Gguf, vocabulary: usize) -> Result<Self, LoadError> {
        let name = gguf.text("general.architecture")?;
        let name = name.ok_or_else(|| LoadError::Malformed("it names no architecture".to_owned()))?;
        let architecture = Architecture::named(name)?;
        if gguf.number(&format!("{name}.expert_count"))?.unwrap_or(0) > 1 {
            return Err(LoadError::UnsupportedArchitecture(format!("{name} with experts")));
        }
        let size = |key: &str| size_under(gguf, &format!("{name}.{key}"));
        let (hidden_size, heads) = (size("embedding_length")?, size("attention.head_count")?);
        let key_value_heads = size("attention.head_count_kv")?;
        if !hidden_size.is_multiple_of(heads) || !heads.is_multiple_of(key_value_heads) {
            let sizes =
                format!("{hidden_size} dimensions, {heads} heads, {key_value_heads} for keys and values");
            return Err(LoadError::Malformed(format!("its sizes do not go together: {sizes}")));
        }
        let head_size = hidden_size / heads;
        let rotated = gguf.number(&format!("{name}.rope.dimension_count"))?.unwrap_or(head_size as u64);
        if !head_size.is_multiple_of(2) || rotated != head_size as u64 {
            return Err(LoadError::Malformed(format!("it rotates {rotated} of {head_size} dimensions")));
        }
        let shape = Self {
            architecture,
            context_tokens: size("context_length")?,
            head_size,
            layers: size("block_count")?.min(MAX_LAYERS + 1),
            hidden_size,
            key_value_size: head_size * key_value_heads,
            feed_forward_size: size("feed_forward_length")?,
        };
        shape.check_tensors(gguf, vocabulary)?;
        Ok(shape)
    }

    fn check_tensors(&self, gguf: &Gguf, vocabulary: usize) -> Result<(), LoadError> {
        if self.layers > MAX_LAYERS {
            return Err(LoadError::Malformed(format!("it announces more than {MAX_LAYERS} layers")));
        }
        check_vocabulary_rows(gguf, "token_embd.weight", self.hidden_size, vocabulary)?;
        if gguf.content.tensor_infos.contains_key("output.weight") {
            check_vocabulary_rows(gguf, "output.weight", self.hidden_size, vocabulary)?;
        }
        check(gguf, "output_norm.weight", &[self.hidden_size])?;
        for layer in 0..self.layers {
            for (name, dimensions) in self.layer_tensors() {
                check(gguf, &format!("blk.{layer}.{name}"), &dimensions)?;
            }
        }
        self.check_nothing_is_left_out(gguf)
    }

    /// Tensors of one layer, row length last.
    fn layer_tensors(&self) -> Vec<(&'static str, Vec<usize>)> {
        let (hidden, feed, key_value) = (self.hidden_size, self.feed_forward_size, self.key_value_size);
        let mut tensors = vec![
            ("attn_norm.weight", vec![hidden]),
            ("attn_q.weight", vec![hidden, hidden]),
            ("attn_k.weight", vec![key_value, hidden]),
            ("attn_v.weight", vec![key_value, hidden]),
            ("attn_output.weight", vec![hidden, hidden]),
            ("ffn_norm.weight", vec![hidden]),
            ("ffn_gate.weight", vec![feed, hidden]),
            ("ffn_up.weight", vec![feed, hidden]),
            ("ffn_down.weight", vec![hidden, feed]),
        ];
        if self.architecture == Architecture::Qwen2 {
            tensors.push(("attn_q.bias", vec![hidden]));
            tensors.push(("attn_k.bias", vec![key_value]));
            tensors.push(("attn_v.bias", vec![key_value]));
        }
        tensors
    }

    /// A bias that candle's model does not read would quietly make it another model.
    fn check_nothing_is_left_out(&self, gguf: &Gguf) -> Result<(), LoadError> {
        let read = self.layer_tensors();
        let is_read = |name: &str| read.iter().any(|(known, _)| name.ends_with(&format!(".{known}")));
        for name in gguf.content.tensor_infos.keys() {
            if name.ends_with(".bias") && !is_read(name) {
                return Err(LoadError::UnsupportedArchitecture(format!(
                    "{} with `{name}`",
                    self.architecture.name()
                )));
            }
            if name == "rope_freqs.weight" {
                tracing::warn!(
                    "the model's long-context rotation factors are not used; answers may be a little worse"
                );
            }
        }
        Ok(())
    }
}

/// A size of at least 1 that fits in 32 bits, so that sums and products of two fit in 64.
fn size_under(gguf: &Gguf, key: &str) -> Result<usize, LoadError> {
    let number = gguf.number(key)?.ok_or_else(|| LoadError::Malformed(format!("`{key}` is missing")))?;
    match u32::try_from(number) {
        Ok(size @ 1..) => Ok(size as usize),
        _ => Err(LoadError::Malformed(format!("`{key}` is {number}"))),
    }
}

fn dimensions<'a>(gguf: &'a Gguf, name: &str) -> Result<&'a [usize], LoadError> {
    let tensor = gguf.content.tensor_infos.get(name);
    tensor
        .map(|tensor| tensor.shape.dims())
        .ok_or_else(|| LoadError::Malformed(format!("tensor `{name}` is missing")))
}

fn check(gguf: &Gguf, name: &str, expected: &[usize]) -> Result<(), LoadError> {
    let found = dimensions(gguf, name)?;
    if found != expected {
        return Err(LoadError::Malformed(format!("tensor `{name}` is {found:?}, not {expected:?}")));
    }
    Ok(())
}

/// Embeddings have a row per token; some files round the number of rows up.
fn check_vocabulary_rows(
    gguf: &Gguf,
    name: &str,
    hidden_size: usize,
    vocabulary: usize,
) -> Result<(), LoadError> {
    match dimensions(gguf, name)? {
        [rows, row] if *rows >= vocabulary && *row == hidden_size => Ok(()),
        other => Err(LoadError::Malformed(format!("tensor `{name}` is {other:?} for {vocabulary} tokens"))),
    }
}
