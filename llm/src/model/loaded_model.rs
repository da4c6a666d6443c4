//! A model in memory: the decoder with its KV cache, or one of candle's models.

use domain::Cause;

use crate::compute::backend::CpuBackend;
use crate::error::LoadError;
use crate::kv_cache::blocks::KvBlocks;
use crate::model::architecture::Architecture;
use crate::model::batch::SequenceTokens;
use crate::model::candle_models::CandleModel;
use crate::model::decoder::Decoder;
use crate::model::gguf::file::GgufFile;

/// Maximum prefill tokens of a step while answers are decoded: their next tokens wait for the step.
const PREFILL_TOKENS_WITH_DECODE: usize = 64;
/// Maximum prefill tokens of a step otherwise: a cancelled request is computed until the end of the step.
const PREFILL_TOKENS_ALONE: usize = 256;

/// A model in memory.
pub(crate) enum LoadedModel {
    Decoder { decoder: Decoder, kv: KvBlocks },
    Candle(CandleModel),
}

impl LoadedModel {
    /// Loads the weights. `vocabulary` is the number of tokens, `blocks` that of KV blocks.
    pub(crate) fn load(
        gguf: GgufFile,
        architecture: Architecture,
        vocabulary: usize,
        blocks: usize,
    ) -> Result<Self, LoadError> {
        match architecture {
            Architecture::Decoder(config) => {
                let decoder = Decoder::load(CpuBackend::start(), &gguf, config, vocabulary)?;
                Ok(Self::Decoder { kv: decoder.new_kv_blocks(blocks), decoder })
            }
            Architecture::Candle(config) => CandleModel::load(gguf, config, vocabulary).map(Self::Candle),
        }
    }

    /// Maximum answers that are computed together.
    pub(crate) fn max_parallel(&self) -> usize {
        match self {
            Self::Decoder { .. } => usize::MAX,
            Self::Candle(_) => 1,
        }
    }

    /// Whether the keys and values of one sequence can be used by another with the same prefix.
    pub(crate) fn caches_prefixes(&self) -> bool {
        matches!(self, Self::Decoder { .. })
    }

    /// Maximum prefill tokens of a step, of all sequences together.
    pub(crate) fn max_prefill_tokens(&self, decodes: bool) -> usize {
        match self {
            Self::Decoder { .. } if decodes => PREFILL_TOKENS_WITH_DECODE,
            Self::Decoder { .. } => PREFILL_TOKENS_ALONE,
            Self::Candle(_) => usize::MAX,
        }
    }

    /// How many of the `left` prefill tokens of a sequence a step computes, from `position` on.
    pub(crate) fn prefill_step(&self, position: usize, left: usize) -> usize {
        match self {
            Self::Decoder { .. } => left,
            Self::Candle(_) => CandleModel::prefill_step(position, left),
        }
    }

    /// Computes the tokens of a batch. Returns the wanted logits, in the order of the batch.
    pub(crate) fn forward(&mut self, batch: &[SequenceTokens<'_>]) -> Result<Vec<Vec<f32>>, Cause> {
        match self {
            Self::Decoder { decoder, kv } => decoder.forward(kv, batch),
            Self::Candle(model) => {
                let logits: Result<Vec<_>, _> =
                    batch.iter().map(|sequence| model.forward(sequence)).collect();
                Ok(logits?.into_iter().flatten().collect())
            }
        }
    }
}
