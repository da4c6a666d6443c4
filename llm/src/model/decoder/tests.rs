//! Compares the decoder with references: candle-transformers' models, and a plain one without optimizations.

mod reference;

use candle_core::quantized::gguf_file::Value;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2, quantized_qwen3};
use proptest::prelude::*;

use super::*;
use crate::compute::simd::instruction_set::InstructionSet;
use crate::kv_cache::blocks::{BLOCK_TOKENS, BlockId};
use crate::model::architecture::Architecture;
use crate::testing::tiny_model::TinyModel;
use reference::Reference;

const VOCABULARY: usize = 258;
const FAMILIES: [&str; 5] = ["llama", "qwen2", "qwen3", "gemma3", "exaone"];

fn config(gguf: &GgufFile) -> ModelConfig {
    match Architecture::read(gguf, VOCABULARY) {
        Ok(Architecture::Decoder(config)) => config,
        Ok(Architecture::Candle(config)) => panic!("{:?} is not the decoder's", config.family),
        Err(error) => panic!("{error}"),
    }
}

fn decoder(model: &TinyModel, backend: CpuBackend) -> Decoder {
    let gguf = GgufFile::open(model.file().path()).expect("a sound file");
    let config = config(&gguf);
    Decoder::load(backend, &gguf, config, VOCABULARY).expect("a sound model")
}

fn tokens(count: u32) -> Vec<u32> {
    (0..count).map(|n| (n * n * 7 + 3 * n) % 256).collect()
}

fn blocks(range: std::ops::Range<u32>) -> Vec<BlockId> {
    range.map(BlockId).collect()
}

/// The logits of all tokens, computed in one step.
fn logits(decoder: &Decoder, tokens: &[u32]) -> Vec<Vec<f32>> {
    let blocks = blocks(0..tokens.len().div_ceil(BLOCK_TOKENS) as u32);
    let mut kv = decoder.new_kv_blocks(blocks.len());
    let sequence = SequenceTokens { tokens, position: 0, blocks: &blocks, logits: tokens.len() };
    decoder.forward(&mut kv, &[sequence]).expect("computed")
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let product =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

/// What is left is activations of one byte: a number on the border between two of them may fall to either side.
fn assert_alike(computed: &[Vec<f32>], expected: &[Vec<f32>], of: &str) {
    assert_eq!(computed.len(), expected.len());
    for (position, (computed, expected)) in computed.iter().zip(expected).enumerate() {
        let cosine = cosine(computed, expected);
        assert!(cosine > 0.999, "{of}: {cosine} at {position}");
    }
}

#[test]
fn every_family_computes_what_the_plain_reference_does() {
    for family in FAMILIES {
        let model = TinyModel::of(family);
        let gguf = GgufFile::open(model.file().path()).expect("a sound file");
        let config = config(&gguf);
        let expected = Reference { gguf: &gguf, config: &config }.logits(&tokens(75));
        for instructions in InstructionSet::available() {
            let decoder = decoder(&model, CpuBackend::start().with(instructions));
            assert_alike(&logits(&decoder, &tokens(75)), &expected, &format!("{family}, {instructions:?}"));
        }
    }
}

/// candle's model answers for the last token of what it is given.
fn candles_logits(model: &TinyModel, family: &str, tokens: &[u32]) -> Vec<Vec<f32>> {
    let content = || GgufFile::open(model.file().path()).expect("a sound file").content;
    let mut file = std::io::Cursor::new(model.bytes());
    let last = |forward: &mut dyn FnMut(&Tensor) -> candle_core::Result<Tensor>| {
        let prefixes = (1..=tokens.len()).map(|length| {
            let input = Tensor::new(&tokens[..length], &Device::Cpu)?.unsqueeze(0)?;
            forward(&input)?.flatten_all()?.to_vec1::<f32>()
        });
        prefixes.collect::<candle_core::Result<Vec<_>>>().expect("computed")
    };
    let device = Device::Cpu;
    match family {
        "llama" => {
            let loaded = quantized_llama::ModelWeights::from_gguf(content(), &mut file, &device);
            let mut model = loaded.expect("a sound file");
            last(&mut |input| {
                model.clear_kv_cache();
                model.forward(input, 0)
            })
        }
        "qwen2" => {
            let loaded = quantized_qwen2::ModelWeights::from_gguf(content(), &mut file, &device);
            let mut model = loaded.expect("a sound file");
            last(&mut |input| {
                model.clear_kv_cache();
                model.forward(input, 0)
            })
        }
        "qwen3" => {
            let loaded = quantized_qwen3::ModelWeights::from_gguf(content(), &mut file, &device);
            let mut model = loaded.expect("a sound file");
            last(&mut |input| {
                model.clear_kv_cache();
                model.forward(input, 0)
            })
        }
        other => unreachable!("candle has no sound model of {other}"),
    }
}

/// Its Gemma 3 gates with SiLU and does not scale embeddings, and it has no EXAONE: those have the plain reference.
#[test]
fn families_that_candle_has_compute_what_candle_does() {
    for family in ["llama", "qwen2", "qwen3"] {
        let model = TinyModel::of(family);
        let expected = candles_logits(&model, family, &tokens(40));
        let decoder = decoder(&model, CpuBackend::start());
        assert_alike(&logits(&decoder, &tokens(40)), &expected, family);
    }
}

#[test]
fn rope_is_scaled_as_the_file_says() {
    let scaled = TinyModel::of("qwen2")
        .with("qwen2.rope.scaling.type", Value::String("yarn".to_owned()))
        .with("qwen2.rope.scaling.factor", Value::F32(4.0))
        .with("qwen2.rope.scaling.original_context_length", Value::U32(2048));
    let (plain, scaled) =
        (decoder(&TinyModel::of("qwen2"), CpuBackend::start()), decoder(&scaled, CpuBackend::start()));
    let (plain, scaled) = (logits(&plain, &tokens(40)), logits(&scaled, &tokens(40)));
    assert!(cosine(&plain[39], &scaled[39]) < 0.999_99, "it makes a difference");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    /// Cuts, company and a reused beginning change nothing, not even the last bit; blocks may lie anywhere.
    #[test]
    fn a_sequence_is_computed_alike_however_it_is_cut_and_whoever_is_beside_it(
        family in 0..FAMILIES.len(),
        cuts in prop::collection::btree_set(1usize..70, 0..5),
        other in 1u32..50,
        seed in 0u32..1000,
    ) {
        let decoder = decoder(&TinyModel::of(FAMILIES[family]), CpuBackend::start());
        let all = tokens(70);
        let expected = logits(&decoder, &all);
        let mut mine = blocks(0..5);
        mine.rotate_left(seed as usize % 5);
        let (theirs, company) = (blocks(5..9), tokens(other));
        let mut kv = decoder.new_kv_blocks(9);
        let mut position = 0;
        let mut computed = Vec::new();
        for (step, end) in cuts.into_iter().chain([70]).enumerate() {
            let mut batch =
                vec![SequenceTokens { tokens: &all[position..end], position, blocks: &mine, logits: end - position }];
            if step == 0 {
                batch.insert(0, SequenceTokens { tokens: &company, position: 0, blocks: &theirs, logits: 0 });
            }
            computed.extend(decoder.forward(&mut kv, &batch).expect("computed"));
            position = end;
        }
        prop_assert_eq!(&computed, &expected);
        // Once more from the second block on, with the first one's keys and values as they are.
        let rest = SequenceTokens { tokens: &all[32..], position: 32, blocks: &mine, logits: 1 };
        let again = decoder.forward(&mut kv, &[rest]).expect("computed");
        prop_assert_eq!(again.last(), expected.last());
    }
}

#[test]
fn a_token_that_is_none_is_refused() {
    let decoder = decoder(&TinyModel::llama(), CpuBackend::start());
    let mut kv = decoder.new_kv_blocks(1);
    let blocks = blocks(0..1);
    let sequence = SequenceTokens { tokens: &[300], position: 0, blocks: &blocks, logits: 1 };
    assert!(decoder.forward(&mut kv, &[sequence]).is_err());
}
