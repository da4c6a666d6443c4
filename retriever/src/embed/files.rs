//! Reads the files of a model into memory. They are untrusted: a missing or damaged file is an error, never a panic.

use std::path::{Path, PathBuf};

use fastembed::TokenizerFiles;

use super::unusable::Unusable;

/// Paths of a model's files and of the library that runs it.
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
    /// ONNX Runtime's shared library. The first one loaded is used by the whole process.
    pub runtime_library: PathBuf,
}

impl OnnxFiles {
    /// Reads the files of the tokenizer.
    pub(super) fn tokenizer_files(&self) -> Result<TokenizerFiles, Unusable> {
        Ok(TokenizerFiles {
            tokenizer_file: read(&self.tokenizer)?,
            config_file: read(&self.config)?,
            special_tokens_map_file: read(&self.special_tokens_map)?,
            tokenizer_config_file: read(&self.tokenizer_config)?,
        })
    }

    /// Names the model in a reason.
    pub(super) fn unusable(&self, reason: &dyn std::fmt::Display) -> Unusable {
        Unusable(format!("`{}`: {reason}", self.model.display()))
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    std::fs::read(path).map_err(|error| Unusable(format!("`{}`: {error}", path.display())))
}
