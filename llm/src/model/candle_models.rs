//! Runs the families that only candle-transformers has: one answer at a time, without a prefix cache.
//!
//! candle's models keep the keys and values of one sequence, which starts over at position 0. They hold the scores of
//! all pairs of tokens and a mask for every pair of lengths they have met, so the context is short and the lengths are
//! few. For that reason there is no prefix cache, no batch, no sliding window, and no cancelling within a prompt, which
//! is one step. Qwen3 with experts is not supported, because candle's model cannot start over.

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::{quantized_glm4, quantized_lfm2, quantized_phi, quantized_phi3};
use domain::Cause;

use crate::catch_panic::catch_panic;
use crate::error::LoadError;
use crate::model::batch::SequenceTokens;
use crate::model::config::{default_head_size, layer_count};
use crate::model::gguf::file::GgufFile;
use crate::model::tensor_checks::check_vocabulary_rows;

/// Maximum tokens of prompt and answer: the scores of all pairs take half a gigabyte with 32 heads.
const MAX_CONTEXT_TOKENS: usize = 2048;
/// The first step of a prompt is a multiple of this; the rest follows token by token.
const PREFILL_STEP_TOKENS: usize = 64;

/// A family that candle-transformers runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CandleFamily {
    Phi2,
    Phi3,
    Glm4,
    Lfm2,
}

impl CandleFamily {
    pub(crate) const ALL: [Self; 4] = [Self::Phi2, Self::Phi3, Self::Glm4, Self::Lfm2];

    /// Its name in GGUF.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Phi2 => "phi2",
            Self::Phi3 => "phi3",
            Self::Glm4 => "glm4",
            Self::Lfm2 => "lfm2",
        }
    }

    /// The family that GGUF calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }
}

/// The checked config of a file that candle runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CandleConfig {
    pub(crate) family: CandleFamily,
    /// Maximum tokens of prompt and answer together.
    pub(crate) context_tokens: usize,
}

impl CandleConfig {
    /// Checks what candle takes on trust. `vocabulary` is the number of tokens.
    pub(crate) fn read(gguf: &GgufFile, family: CandleFamily, vocabulary: usize) -> Result<Self, LoadError> {
        let name = family.name();
        let size = |key: &str| gguf.size(&format!("{name}.{key}"));
        layer_count(gguf, name)?;
        let hidden_size = size("embedding_length")?;
        let head_size = default_head_size(hidden_size, size("attention.head_count")?)?;
        check_vocabulary_rows(gguf, "token_embd.weight", hidden_size, vocabulary)?;
        check_rope(gguf, family, head_size)?;
        if let Some(unused) = gguf.tensor_names().find(|name| name.starts_with("rope_")) {
            return Err(LoadError::UnsupportedArchitecture(format!("{name} with tensor `{unused}`")));
        }
        let window = gguf.number(&format!("{name}.attention.sliding_window"))?.unwrap_or(0);
        let window = usize::try_from(window).ok().filter(|&window| window > 0).unwrap_or(usize::MAX);
        // Phi-2's file has a context length, but candle's model has one of its own.
        let context_tokens = size("context_length")?.min(MAX_CONTEXT_TOKENS).min(window);
        Ok(Self { family, context_tokens })
    }
}

/// Checks that the file wants the RoPE that candle's model has built in.
fn check_rope(gguf: &GgufFile, family: CandleFamily, head_size: usize) -> Result<(), LoadError> {
    let name = family.name();
    let head_size = gguf.number(&format!("{name}.attention.key_length"))?.unwrap_or(head_size as u64);
    let rotated = gguf.number(&format!("{name}.rope.dimension_count"))?;
    let base = gguf.float(&format!("{name}.rope.freq_base"))?;
    let is_built_in = match family {
        CandleFamily::Phi2 => base.is_none_or(|base| base == 10_000.0),
        CandleFamily::Phi3 => base.is_none_or(|base| base == 10_000.0) && rotated == Some(head_size),
        CandleFamily::Glm4 => rotated == Some(head_size / 2),
        CandleFamily::Lfm2 => rotated.is_none_or(|rotated| rotated == head_size),
    };
    if is_built_in {
        return Ok(());
    }
    let rotated = rotated.unwrap_or(head_size);
    let unsupported = format!("{name} with a RoPE of {rotated} of {head_size} dimensions and base {base:?}");
    Err(LoadError::UnsupportedArchitecture(unsupported))
}

/// A model of candle's, and the sequence it is at.
pub(crate) struct CandleModel {
    device: Device,
    network: Network,
    vocabulary: usize,
}

impl CandleModel {
    /// Loads the model of a file whose config was checked. `vocabulary` is the number of tokens.
    pub(crate) fn load(gguf: GgufFile, config: CandleConfig, vocabulary: usize) -> Result<Self, LoadError> {
        let CandleConfig { family, context_tokens } = config;
        tracing::warn!(
            family = family.name(),
            context_tokens,
            "this family runs on candle-transformers: one answer at a time, no prefix cache, slower than others"
        );
        let GgufFile { mut content, mut file, .. } = gguf;
        // candle reserves memory by it.
        let length = u32::try_from(context_tokens).unwrap_or(u32::MAX);
        content.metadata.insert(format!("{}.context_length", family.name()), Value::U32(length));
        let device = device()?;
        let load = || Ok(Network::load(family, content, &mut file, &device));
        let network = catch_panic(load).map_err(|panic| LoadError::Model(panic.to_string().into()))??;
        Ok(Self { device, network, vocabulary })
    }

    /// How many of the `left` prefill tokens from `position` on are computed in one step.
    pub(crate) fn prefill_step(position: usize, left: usize) -> usize {
        match (position, left) {
            (0, PREFILL_STEP_TOKENS..) => left / PREFILL_STEP_TOKENS * PREFILL_STEP_TOKENS,
            (0, 1..) => 1 << left.ilog2(),
            _ => left.min(1),
        }
    }

    /// Computes the tokens of a sequence, which continues that of the last call or starts over at position 0. Returns
    /// the logits of its last token if they are wanted.
    pub(crate) fn forward(&mut self, sequence: &SequenceTokens<'_>) -> Result<Vec<Vec<f32>>, Cause> {
        // With a single token LFM2's convolutions would continue the last sequence.
        if sequence.position == 0 && sequence.tokens.len() < 2 {
            return Err("a prompt of this family has at least two tokens".into());
        }
        let logits = Tensor::new(sequence.tokens, &self.device)
            .and_then(|tokens| self.network.forward(&tokens.unsqueeze(0)?, sequence.position))?;
        if logits.len() < self.vocabulary {
            let reason = format!("the model has logits for {} of {} tokens", logits.len(), self.vocabulary);
            return Err(reason.into());
        }
        let wanted = (sequence.logits > 0).then(|| logits[..self.vocabulary].to_vec());
        Ok(wanted.into_iter().collect())
    }
}

/// A GPU that this build can use, or the CPU.
fn device() -> candle_core::Result<Device> {
    match Device::cuda_if_available(0)? {
        Device::Cpu => Device::metal_if_available(0),
        gpu => Ok(gpu),
    }
}

enum Network {
    Phi2(quantized_phi::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
    Glm4(quantized_glm4::ModelWeights),
    Lfm2(quantized_lfm2::ModelWeights),
}

impl Network {
    fn load(
        family: CandleFamily,
        content: Content,
        file: &mut std::fs::File,
        device: &Device,
    ) -> candle_core::Result<Self> {
        match family {
            CandleFamily::Phi2 => {
                quantized_phi::ModelWeights::from_gguf(content, file, device).map(Self::Phi2)
            }
            CandleFamily::Phi3 => {
                quantized_phi3::ModelWeights::from_gguf(false, content, file, device).map(Self::Phi3)
            }
            CandleFamily::Glm4 => {
                quantized_glm4::ModelWeights::from_gguf(content, file, device, DType::F32).map(Self::Glm4)
            }
            CandleFamily::Lfm2 => {
                quantized_lfm2::ModelWeights::from_gguf(content, file, device).map(Self::Lfm2)
            }
        }
    }

    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Vec<f32>> {
        let logits = match self {
            Self::Phi2(model) => model.forward(tokens, position),
            Self::Phi3(model) => model.forward(tokens, position),
            Self::Glm4(model) => model.forward(tokens, position),
            Self::Lfm2(model) => model.forward(tokens, position),
        };
        logits?.flatten_all()?.to_vec1()
    }
}

#[cfg(test)]
mod tests;
