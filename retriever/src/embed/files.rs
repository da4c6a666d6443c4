//! Reads the files of a model into memory. They are untrusted: a missing or damaged file is an error, never a panic.

use std::path::{Path, PathBuf};

use domain::Cause;
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
    pub(super) fn unusable(&self, reason: impl Into<Cause>) -> Unusable {
        Unusable(Cause::with_context(format!("`{}`", self.model.display()), reason))
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    std::fs::read(path).map_err(|error| Unusable(Cause::with_context(format!("`{}`", path.display()), error)))
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use domain::{EmbedError, with_causes};

    use super::*;

    #[test]
    fn a_missing_file_is_an_error_that_keeps_that_of_the_operating_system() {
        let error = EmbedError::from(read(Path::new("/nonexistent/model.onnx")).expect_err("it is missing"));
        let text = with_causes(&error);
        assert!(text.starts_with("the embedder cannot be loaded: `/nonexistent/model.onnx`: "), "{text}");
        let source = error.source().and_then(Error::source);
        let source = source.and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::NotFound));
    }
}
