//! Why a model file is refused.

use std::io;

/// What a part of the file is refused with.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a model cannot be loaded. Except for `Unreadable` and `Thread` the file is at fault, and another one helps.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system cannot read the file.
    #[error("cannot read the model file")]
    Unreadable(#[from] io::Error),
    /// The file has no bytes.
    #[error("the model file is empty")]
    Empty,
    /// The file is something else than a model.
    #[error("not a GGUF file: it begins with {magic:02x?}")]
    NotGguf {
        /// The first bytes.
        magic: [u8; 4],
    },
    /// An older or newer version of GGUF, or a file for big-endian machines.
    #[error("GGUF version {0} is not supported; versions 2 and 3 are")]
    UnsupportedVersion(u32),
    /// The file ends before what its header declares.
    #[error("the model file is truncated: {what} ends at byte {needed_bytes}, the file at byte {file_bytes}")]
    Truncated {
        /// What was being read.
        what: String,
        /// Where it would end.
        needed_bytes: u64,
        /// Where the file ends.
        file_bytes: u64,
    },
    /// The file contradicts itself, or declares what no model has.
    #[error("the model file is malformed: {0}")]
    Malformed(String),
    /// A sound file of an architecture that this engine does not run.
    #[error(
        "the architecture `{0}` is not supported; `llama`, `qwen2`, `qwen3`, `gemma3` and `exaone` are, and one \
         answer at a time `phi2`, `phi3`, `glm4` and `lfm2`"
    )]
    UnsupportedArchitecture(String),
    /// A tensor of a type that this engine does not know.
    #[error("tensor `{tensor}` has the unsupported type {code}")]
    UnsupportedTensorType {
        /// The tensor's name.
        tensor: String,
        /// The type's code in GGUF.
        code: u32,
    },
    /// A tokenizer that this engine does not have.
    #[error("the tokenizer `{0}` is not supported")]
    UnsupportedTokenizer(String),
    /// The vocabulary does not make a tokenizer.
    #[error("cannot build a tokenizer from the model's vocabulary")]
    Tokenizer(#[source] Source),
    /// The chat template is missing or does not work.
    #[error("cannot use the model's chat template")]
    Template(#[source] Source),
    /// Every part is sound by itself, but the model cannot be built from them.
    #[error("cannot build the model")]
    Model(#[source] Source),
    /// The operating system cannot start a thread for the engine.
    #[error("cannot start the engine's thread")]
    Thread(#[source] io::Error),
}

impl From<candle_core::Error> for LoadError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(Box::new(error))
    }
}
