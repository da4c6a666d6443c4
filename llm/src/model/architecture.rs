//! Chooses what runs a model, by the architecture that its file names.

use crate::error::LoadError;
use crate::kv_cache::blocks::KvBlocks;
use crate::model::candle_models::{CandleConfig, CandleFamily};
use crate::model::config::ModelConfig;
use crate::model::family::Family;
use crate::model::gguf::file::GgufFile;
use crate::model::tensor_checks::check_tensors;

/// How models of an architecture are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Requests are answered in batches, and prefixes are cached.
    Batched,
    /// One answer at a time, and nothing is cached.
    OneAtATime,
}

impl Support {
    /// How the architecture that GGUF calls `architecture` is run; `None` if it is not supported.
    pub fn of(architecture: &str) -> Option<Self> {
        match (Family::named(architecture), CandleFamily::named(architecture)) {
            (Some(_), _) => Some(Self::Batched),
            (None, Some(_)) => Some(Self::OneAtATime),
            (None, None) => None,
        }
    }
}

/// What runs a model, and its checked config. Its weights are not read yet.
pub(crate) enum Architecture {
    Decoder(ModelConfig),
    Candle(CandleConfig),
}

impl Architecture {
    /// Finds the family, and checks everything that its network needs. `vocabulary` is the number of tokens.
    pub(crate) fn read(gguf: &GgufFile, vocabulary: usize) -> Result<Self, LoadError> {
        let name = gguf.text("general.architecture")?;
        let name =
            name.ok_or_else(|| LoadError::Malformed("`general.architecture` is missing".to_owned()))?;
        if let Some(family) = Family::named(name) {
            let config = ModelConfig::read(gguf, family)?;
            check_tensors(gguf, &config, vocabulary)?;
            return Ok(Self::Decoder(config));
        }
        let family = CandleFamily::named(name);
        let family = family.ok_or_else(|| LoadError::UnsupportedArchitecture(name.to_owned()))?;
        CandleConfig::read(gguf, family, vocabulary).map(Self::Candle)
    }

    /// The name in GGUF.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Decoder(config) => config.family.name(),
            Self::Candle(config) => config.family.name(),
        }
    }

    /// Maximum tokens of prompt and answer together.
    pub(crate) fn context_tokens(&self) -> usize {
        match self {
            Self::Decoder(config) => config.context_tokens,
            Self::Candle(config) => config.context_tokens,
        }
    }

    /// Bytes of a KV block; `None` if the model does not use the KV cache.
    pub(crate) fn block_bytes(&self) -> Option<usize> {
        match self {
            Self::Decoder(config) => {
                Some(KvBlocks::block_bytes(config.layers, config.key_value_heads, config.head_size))
            }
            Self::Candle(_) => None,
        }
    }
}
