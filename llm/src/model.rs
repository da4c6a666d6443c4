//! The network: tokens in, logits out, and what it remembers between the two.
//!
//! Stands on candle-transformers' quantized Llama and Qwen2. Three of their limits shape this module: positions are
//! computed for 4,096 tokens at most; the memory of keys and values can grow or be dropped, not cut; and every
//! attention mask ever used is kept, one for each length and position of a chunk, which [`chunk_tokens`] keeps few.

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2};

use crate::LoadError;
use crate::gguf::Gguf;
use crate::recode::Recoded;
use crate::shape::{Architecture, Shape};

/// Most positions of candle's Llama. Qwen2 could have more, but masks grow with the square.
pub(crate) const MAX_CONTEXT_TOKENS: usize = quantized_llama::MAX_SEQ_LEN;

/// Most tokens of one step: a request that is cancelled goes on computing for as long as one step takes.
const MAX_CHUNK_TOKENS: usize = 128;

/// A model and the tokens it has in memory.
pub(crate) struct Model {
    weights: Weights,
    /// Tokens whose keys and values are in memory, in order.
    cached: Vec<u32>,
    vocabulary: usize,
}

enum Weights {
    Llama(quantized_llama::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
}

impl Model {
    /// Reads the tensors of a file that [`Shape::read`] found sound. `context_tokens` positions will be usable.
    pub(crate) fn load(
        gguf: Gguf,
        shape: &Shape,
        vocabulary: usize,
        context_tokens: usize,
    ) -> Result<Self, LoadError> {
        let Gguf { mut content, file, .. } = gguf;
        settle_metadata(&mut content, shape, context_tokens);
        let (content, mut file) = Recoded::new(content, file);
        let build = || match shape.architecture {
            Architecture::Llama => {
                quantized_llama::ModelWeights::from_gguf(content, &mut file, &Device::Cpu).map(Weights::Llama)
            }
            Architecture::Qwen2 => {
                quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &Device::Cpu).map(Weights::Qwen2)
            }
        };
        let weights = caught(build).map_err(LoadError::Model)?;
        Ok(Self { weights, cached: Vec::new(), vocabulary })
    }

    /// Forgets everything, unless it is the beginning of `prompt`. Returns how many tokens of it are in memory; at
    /// least one is not, because the next logits come from computing it.
    pub(crate) fn keep_prefix(&mut self, prompt: &[u32]) -> usize {
        if self.cached.len() >= prompt.len() || !prompt.starts_with(&self.cached) {
            self.clear();
        }
        self.cached.len()
    }

    /// How many of `remaining` tokens to compute in the next step.
    pub(crate) fn step_tokens(&self, remaining: usize) -> usize {
        chunk_tokens(self.cached.len(), remaining)
    }

    /// Computes `tokens` after those in memory. Returns the logits for what follows them, one per token of the
    /// vocabulary. After an error nothing is in memory.
    pub(crate) fn append(&mut self, tokens: &[u32]) -> Result<Vec<f32>, String> {
        let position = self.cached.len();
        let weights = &mut self.weights;
        let computed = caught(|| {
            let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
            let logits = match weights {
                Weights::Llama(model) => model.forward(&input, position),
                Weights::Qwen2(model) => model.forward(&input, position),
            }?;
            logits.squeeze(0)?.to_vec1::<f32>()
        });
        match computed {
            Ok(mut logits) => {
                self.cached.extend_from_slice(tokens);
                // Rows beyond the vocabulary are padding of the embedding.
                logits.truncate(self.vocabulary);
                Ok(logits)
            }
            Err(reason) => {
                self.clear();
                Err(reason)
            }
        }
    }

    fn clear(&mut self) {
        self.cached.clear();
        match &mut self.weights {
            Weights::Llama(model) => model.clear_kv_cache(),
            Weights::Qwen2(model) => model.clear_kv_cache(),
        }
    }
}

/// Fills in what candle requires, and replaces the one number it allocates by without a bound.
fn settle_metadata(content: &mut Content, shape: &Shape, context_tokens: usize) {
    let name = shape.architecture.name();
    let number = |size: usize| Value::U32(u32::try_from(size).unwrap_or(u32::MAX));
    content.metadata.insert(format!("{name}.context_length"), number(context_tokens));
    content.metadata.insert(format!("{name}.rope.dimension_count"), number(shape.head_size));
}

/// The largest power of two that divides `position`, at most `remaining` and [`MAX_CHUNK_TOKENS`].
///
/// So a chunk of `n` tokens begins at a multiple of `n`, and the masks that candle keeps for ever are at most 60 MB
/// for 4,096 positions; with free cuts they would grow to gigabytes over a server's life. The price is a few short
/// steps at the end of a prompt.
fn chunk_tokens(position: usize, remaining: usize) -> usize {
    let aligned = if position == 0 { MAX_CHUNK_TOKENS } else { 1 << position.trailing_zeros().min(16) };
    let fitting = if remaining == 0 { 0 } else { 1 << remaining.ilog2() };
    aligned.min(fitting).min(MAX_CHUNK_TOKENS)
}

/// Runs `step`; a panic in it is an error like others, so that a bug in one answer does not end the service.
fn caught<T>(step: impl FnOnce() -> candle_core::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(format!("the model panicked: {message}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::tiny::TinyModel;

    fn tiny() -> Model {
        let gguf = Gguf::open(TinyModel::llama().file().path()).expect("a sound file");
        let shape = Shape::read(&gguf, 258).expect("sound sizes");
        Model::load(gguf, &shape, 258, 512).expect("a sound model")
    }

    #[test]
    fn logits_do_not_depend_on_how_a_prompt_was_cut() {
        let prompt: Vec<u32> = (0..75).collect();
        let (mut whole, mut cut) = (tiny(), tiny());
        let expected = whole.append(&prompt).expect("computed");
        cut.append(&prompt[..32]).expect("computed");
        assert_eq!(cut.keep_prefix(&prompt), 32);
        cut.append(&prompt[32..74]).expect("computed");
        let logits = cut.append(&prompt[74..]).expect("computed");
        assert_eq!(logits.len(), 258);
        let error = logits.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 0.02, "{error}");
    }

    #[test]
    fn another_prompt_starts_anew() {
        let mut model = tiny();
        model.append(&[1, 2, 3]).expect("computed");
        assert_eq!(model.keep_prefix(&[1, 2, 3]), 0, "the last token must be computed for its logits");
        model.append(&[1, 2, 3]).expect("computed");
        assert_eq!(model.keep_prefix(&[1, 9, 3, 4]), 0);
    }

    #[test]
    fn after_an_error_nothing_is_in_memory() {
        let mut model = tiny();
        model.append(&[1, 2, 3]).expect("computed");
        assert!(model.append(&[300]).is_err(), "there is no such token");
        assert_eq!(model.keep_prefix(&[1, 2, 3, 4]), 0);
        assert!(model.append(&[1, 2, 3, 4]).is_ok());
    }

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(caught::<()>(|| panic!("row {}", 7)), Err("the model panicked: row 7".to_owned()));
        assert_eq!(caught(|| Ok(1)), Ok(1));
    }

    proptest! {
        #[test]
        fn chunks_cover_a_prompt_and_are_aligned(start in 0usize..4096, length in 1usize..4096) {
            let (mut position, end) = (start, start + length);
            while position < end {
                let chunk = chunk_tokens(position, end - position);
                prop_assert!((1..=MAX_CHUNK_TOKENS).contains(&chunk));
                prop_assert!(position.is_multiple_of(chunk) && position + chunk <= end);
                position += chunk;
            }
        }
    }

    #[test]
    fn the_masks_candle_keeps_are_bounded() {
        let mut masks = HashSet::new();
        for start in 0..MAX_CONTEXT_TOKENS {
            for remaining in
                (1..=MAX_CHUNK_TOKENS).filter(|remaining| start + remaining <= MAX_CONTEXT_TOKENS)
            {
                let chunk = chunk_tokens(start, remaining);
                masks.insert((chunk, start + chunk));
            }
        }
        let bytes: usize = masks.iter().filter(|(chunk, _)| *chunk > 1).map(|(chunk, end)| chunk * end).sum();
        assert!(bytes < 61 << 20, "{bytes}");
    }
}
