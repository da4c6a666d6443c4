//! Why a model file is refused.

use std::io;

/// Why a model file cannot be served. Except for `Unreadable` and `Thread` the file is at fault, and another one helps.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system does not give the file.
    #[error("the model file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file has no bytes.
    #[error("the model file is empty")]
    Empty,
    /// Something else than a model.
    #[error("this is not a GGUF file: it begins with {magic:02x?}")]
    NotGguf {
        /// The first bytes.
        magic: [u8; 4],
    },
    /// A GGUF version of the past, of the future, or of a big-endian machine.
    #[error("GGUF version {0} is not supported (versions 2 and 3 are)")]
    UnsupportedVersion(u32),
    /// The file ends before what it announces.
    #[error("the model file is cut off: {what} would end at byte {needed_bytes}, the file has {file_bytes}")]
    Truncated {
        /// What was being read.
        what: String,
        /// Where it would end.
        needed_bytes: u64,
        /// Where the file ends.
        file_bytes: u64,
    },
    /// The file contradicts itself, or announces what no model has.
    #[error("the model file is malformed: {0}")]
    Malformed(String),
    /// A sound file of a model that this engine does not know.
    #[error(
        "the model's architecture `{0}` is not supported (`llama`, `qwen2`, `qwen3`, `gemma3` and `exaone` are; \
         one answer at a time `phi2`, `phi3`, `glm4` and `lfm2`)"
    )]
    UnsupportedArchitecture(String),
    /// A tensor in a number format that this engine does not know.
    #[error("tensor `{tensor}` has the unsupported number format {code}")]
    UnsupportedTensorType {
        /// The tensor's name.
        tensor: String,
        /// The format's code in GGUF.
        code: u32,
    },
    /// A vocabulary that this engine cannot encode with.
    #[error("the model's tokenizer `{0}` is not supported")]
    UnsupportedTokenizer(String),
    /// The file's chat template is missing or does not work.
    #[error("the model's chat template cannot be used: {0}")]
    Template(String),
    /// The parts are sound each for itself, but no model comes of them.
    #[error("the model cannot be built: {0}")]
    Model(String),
    /// No thread could be started for the engine.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(io::Error),
}

impl From<candle_core::Error> for LoadError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.to_string())
    }
}
