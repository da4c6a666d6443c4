//! The files of a model, read into memory. They are untrusted: one that is missing or damaged is a reason, never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use domain::EmbedError;
use fastembed::TokenizerFiles;

use super::RerankError;

/// Where the files of a model and the library that runs it are.
#[derive(Debug, Clone)]
pub struct OnnxFiles {
    /// The model, ONNX.
    pub model: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// `config.json`.
    pub config: PathBuf,
    /// `special_tokens_map.json`.
    pub special_tokens_map: PathBuf,
    /// `tokenizer_config.json`.
    pub tokenizer_config: PathBuf,
    /// ONNX Runtime's shared library. The first one loaded serves the whole process.
    pub runtime_library: PathBuf,
}

impl OnnxFiles {
    /// What fastembed makes a tokenizer from.
    pub(super) fn tokenizer_files(&self) -> Result<TokenizerFiles, Unusable> {
        Ok(TokenizerFiles {
            tokenizer_file: read(&self.tokenizer)?,
            config_file: read(&self.config)?,
            special_tokens_map_file: read(&self.special_tokens_map)?,
            tokenizer_config_file: read(&self.tokenizer_config)?,
        })
    }

    /// That this is wrong with the model.
    pub(super) fn unusable(&self, reason: &dyn std::fmt::Display) -> Unusable {
        Unusable(format!("{}: {reason}", self.model.display()))
    }
}

/// Why a model, or the library that runs it, cannot be used.
#[derive(Debug)]
pub(super) struct Unusable(pub(super) String);

impl From<Unusable> for EmbedError {
    fn from(Unusable(reason): Unusable) -> Self {
        Self::Unusable(reason)
    }
}

impl From<Unusable> for RerankError {
    fn from(Unusable(reason): Unusable) -> Self {
        Self::Unusable(reason)
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    std::fs::read(path).map_err(|error| Unusable(format!("{}: {error}", path.display())))
}

/// The work's result, or why there is none. fastembed and what it stands on take some things for granted, the shape of
/// an output and the length that a tokenizer allows among them, and panic where they are not so.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, fastembed::Error>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("its output or its tokenizer is of a kind that is not known here".to_owned()),
    }
}
