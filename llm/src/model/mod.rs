//! What computes logits: the decoder with its store of keys and values, or a model of candle's.

use crate::LoadError;
use crate::borrowed::{self, Borrowed};
use crate::cache::KvStore;
use crate::decoder::{Decoder, Part};
use crate::gguf::Gguf;
use crate::shape::{Family, Shape};

/// Tokens of prompts in a step while answers are being written: what a reader's next token waits for.
const PROMPT_TOKENS_BESIDE_ANSWERS: usize = 64;
/// Tokens of prompts in a step while none is: as long as a cancelled request goes on being computed.
const PROMPT_TOKENS_ALONE: usize = 256;

/// How a model of an architecture is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Several answers together, and texts that were read are remembered.
    Batched,
    /// One answer at a time, nothing is remembered.
    OneAtATime,
}

impl Support {
    /// Of the architecture that GGUF calls `architecture`; `None` where there is none.
    pub fn of(architecture: &str) -> Option<Self> {
        match (Family::named(architecture), borrowed::Family::named(architecture)) {
            (Some(_), _) => Some(Self::Batched),
            (None, Some(_)) => Some(Self::OneAtATime),
            (None, None) => None,
        }
    }
}

/// What is known of a model before its weights are read.
pub(crate) enum Plan {
    Decoder(Shape),
    Borrowed(borrowed::Family, usize),
}

impl Plan {
    /// Finds the family, and checks all that its network needs. `vocabulary` is the number of tokens.
    pub(crate) fn read(gguf: &Gguf, vocabulary: usize) -> Result<Self, LoadError> {
        let name = gguf.text("general.architecture")?;
        let name = name.ok_or_else(|| LoadError::Malformed("it names no architecture".to_owned()))?;
        if let Some(family) = Family::named(name) {
            return Shape::read(gguf, family, vocabulary).map(Self::Decoder);
        }
        let family = borrowed::Family::named(name);
        let family = family.ok_or_else(|| LoadError::UnsupportedArchitecture(name.to_owned()))?;
        borrowed::check(gguf, family, vocabulary).map(|context_tokens| Self::Borrowed(family, context_tokens))
    }

    /// The family's name in GGUF.
    pub(crate) fn architecture(&self) -> &'static str {
        match self {
            Self::Decoder(shape) => shape.family.name(),
            Self::Borrowed(family, _) => family.name(),
        }
    }

    /// Most tokens of prompt and answer together.
    pub(crate) fn context_tokens(&self) -> usize {
        match self {
            Self::Decoder(shape) => shape.context_tokens,
            Self::Borrowed(_, context_tokens) => *context_tokens,
        }
    }

    /// Bytes that sixteen tokens take in the engine's store.
    pub(crate) fn block_bytes(&self) -> Option<usize> {
        match self {
            Self::Decoder(shape) => {
                Some(KvStore::block_bytes(shape.layers, shape.key_value_heads, shape.head_size))
            }
            Self::Borrowed(..) => None,
        }
    }
}

/// A model in memory.
pub(crate) enum Model {
    Decoder { decoder: Decoder, store: KvStore },
    Borrowed(Borrowed),
}

impl Model {
    /// Most answers that are written together, where the model has a limit.
    pub(crate) fn most_parallel(&self) -> usize {
        match self {
            Self::Decoder { .. } => usize::MAX,
            Self::Borrowed(_) => 1,
        }
    }

    /// Whether keys and values of one text serve another that begins alike.
    pub(crate) fn remembers(&self) -> bool {
        matches!(self, Self::Decoder { .. })
    }

    /// Tokens of prompts that a step takes in all.
    pub(crate) fn prompt_tokens(&self, anyone_writes: bool) -> usize {
        match self {
            Self::Decoder { .. } if anyone_writes => PROMPT_TOKENS_BESIDE_ANSWERS,
            Self::Decoder { .. } => PROMPT_TOKENS_ALONE,
            Self::Borrowed(_) => usize::MAX,
        }
    }

    /// How many of `left` tokens of one prompt a step takes, from `position` on.
    pub(crate) fn step_tokens(&self, position: usize, left: usize) -> usize {
        match self {
            Self::Decoder { .. } => left,
            Self::Borrowed(_) => Borrowed::step_tokens(position, left),
        }
    }

    /// Computes the tokens of `parts`. Returns the logits that were asked for, in the order of the parts.
    pub(crate) fn forward(&mut self, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, String> {
        match self {
            Self::Decoder { decoder, store } => decoder.forward(store, parts),
            Self::Borrowed(model) => {
                let logits: Result<Vec<_>, _> = parts.iter().map(|part| model.forward(part)).collect();
                Ok(logits?.into_iter().flatten().collect())
            }
        }
    }
}
