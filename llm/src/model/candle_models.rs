//! Families that the [decoder](crate::decoder) does not know and candle-transformers does: one answer at a time,
//! nothing remembered.
//!
//! candle's models keep the keys and values of one sequence, which begins anew at position 0. They hold the scores of
//! all pairs of tokens and a mask for every pair of lengths they have met, so the context is short and the
//! lengths are few. Absent for that reason: shared beginnings, several answers in a step, sliding windows, and an end
//! inside a prompt, which is read in one step. Absent because candle's model cannot begin anew: Qwen3 with experts.

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::{quantized_glm4, quantized_lfm2, quantized_phi, quantized_phi3};

use crate::LoadError;
use crate::decoder::Part;
use crate::gguf::Gguf;
use crate::shape::{MAX_LAYERS, check_vocabulary_rows, size_under};

/// Most tokens of prompt and answer: 32 heads' scores of all pairs take half a gigabyte.
const CONTEXT_TOKENS: usize = 2048;
/// A prompt's first step is a multiple of this; what is left follows token by token.
const STEP_TOKENS: usize = 64;

/// The families that are borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Phi2,
    Phi3,
    Glm4,
    Lfm2,
}

impl Family {
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

/// A model of candle's, and the sequence it is at.
pub(crate) struct Borrowed {
    device: Device,
    network: Network,
    vocabulary: usize,
}

enum Network {
    Phi2(quantized_phi::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
    Glm4(quantized_glm4::ModelWeights),
    Lfm2(quantized_lfm2::ModelWeights),
}

/// Checks what candle believes without looking. Returns the most tokens of prompt and answer together.
pub(crate) fn check(gguf: &Gguf, family: Family, vocabulary: usize) -> Result<usize, LoadError> {
    let name = family.name();
    let size = |key: &str| size_under(gguf, &format!("{name}.{key}"));
    if size("block_count")? > MAX_LAYERS {
        return Err(LoadError::Malformed(format!("it announces more than {MAX_LAYERS} layers")));
    }
    let (hidden_size, heads) = (size("embedding_length")?, size("attention.head_count")?);
    if !hidden_size.is_multiple_of(heads) {
        return Err(LoadError::Malformed(format!("{hidden_size} numbers make no {heads} heads")));
    }
    check_vocabulary_rows(gguf, "token_embd.weight", hidden_size, vocabulary)?;
    check_rotation(gguf, family, hidden_size / heads)?;
    if let Some(left_out) = gguf.tensor_names().find(|name| name.starts_with("rope_")) {
        return Err(LoadError::UnsupportedArchitecture(format!("{name} with `{left_out}`")));
    }
    let window = gguf.number(&format!("{name}.attention.sliding_window"))?.unwrap_or(0);
    let window = usize::try_from(window).ok().filter(|&window| window > 0).unwrap_or(usize::MAX);
    // Phi-2's file has a context, but candle's model has one of its own.
    Ok(size("context_length")?.min(CONTEXT_TOKENS).min(window))
}

/// How candle's models turn queries and keys is built in.
fn check_rotation(gguf: &Gguf, family: Family, head_size: usize) -> Result<(), LoadError> {
    let name = family.name();
    let head_size = gguf.number(&format!("{name}.attention.key_length"))?.unwrap_or(head_size as u64);
    let rotated = gguf.number(&format!("{name}.rope.dimension_count"))?;
    let base = gguf.float(&format!("{name}.rope.freq_base"))?;
    let fits = match family {
        Family::Phi2 => base.is_none_or(|base| base == 10_000.0),
        Family::Phi3 => base.is_none_or(|base| base == 10_000.0) && rotated == Some(head_size),
        Family::Glm4 => rotated == Some(head_size / 2),
        Family::Lfm2 => rotated.is_none_or(|rotated| rotated == head_size),
    };
    if fits {
        return Ok(());
    }
    let rotated = rotated.unwrap_or(head_size);
    let unknown = format!("{name} that rotates {rotated} of {head_size} dimensions from base {base:?}");
    Err(LoadError::UnsupportedArchitecture(unknown))
}

impl Borrowed {
    /// Builds the model of a file that [`check`] found sound.
    pub(crate) fn load(
        gguf: Gguf,
        family: Family,
        context_tokens: usize,
        vocabulary: usize,
    ) -> Result<Self, LoadError> {
        tracing::warn!(
            family = family.name(),
            context_tokens,
            "this family runs on candle-transformers: one answer at a time, nothing remembered, slower than others"
        );
        let Gguf { mut content, mut file, .. } = gguf;
        // Memory is reserved by it.
        let length = u32::try_from(context_tokens).unwrap_or(u32::MAX);
        content.metadata.insert(format!("{}.context_length", family.name()), Value::U32(length));
        let device = device()?;
        let build = || Network::load(family, content, &mut file, &device);
        let network = crate::worker::caught(build).map_err(LoadError::Model)?;
        Ok(Self { device, network, vocabulary })
    }

    /// How many of `left` tokens from `position` on are computed in one step.
    pub(crate) fn step_tokens(position: usize, left: usize) -> usize {
        match (position, left) {
            (0, STEP_TOKENS..) => left / STEP_TOKENS * STEP_TOKENS,
            (0, 1..) => 1 << left.ilog2(),
            _ => left.min(1),
        }
    }

    /// Computes the tokens of `part`, which continues the sequence of the last call or begins one. Returns the logits of
    /// its last token if they are wanted.
    pub(crate) fn forward(&mut self, part: &Part<'_>) -> Result<Vec<Vec<f32>>, String> {
        // LFM2's convolutions would go on with what they have of the last sequence.
        if part.position == 0 && part.tokens.len() < 2 {
            return Err("a prompt of this family has at least two tokens".to_owned());
        }
        let logits = Tensor::new(part.tokens, &self.device)
            .and_then(|tokens| self.network.forward(&tokens.unsqueeze(0)?, part.position))
            .map_err(|error| error.to_string())?;
        if logits.len() < self.vocabulary {
            return Err(format!("the model has logits for {} tokens", logits.len()));
        }
        let wanted = (part.logits > 0).then(|| logits[..self.vocabulary].to_vec());
        Ok(wanted.into_iter().collect())
    }
}

/// A graphics card that this build can use, or the processor.
fn device() -> candle_core::Result<Device> {
    match Device::cuda_if_available(0)? {
        Device::Cpu => Device::metal_if_available(0),
        card => Ok(card),
    }
}

impl Network {
    fn load(
        family: Family,
        content: Content,
        file: &mut std::fs::File,
        device: &Device,
    ) -> Result<Self, String> {
        let network = match family {
            Family::Phi2 => quantized_phi::ModelWeights::from_gguf(content, file, device).map(Self::Phi2),
            Family::Phi3 => {
                quantized_phi3::ModelWeights::from_gguf(false, content, file, device).map(Self::Phi3)
            }
            Family::Glm4 => {
                quantized_glm4::ModelWeights::from_gguf(content, file, device, DType::F32).map(Self::Glm4)
            }
            Family::Lfm2 => quantized_lfm2::ModelWeights::from_gguf(content, file, device).map(Self::Lfm2),
        };
        network.map_err(|error| error.to_string())
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
pub(crate) mod tests;
