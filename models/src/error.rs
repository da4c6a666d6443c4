//! Defines the errors of this crate, named by what the caller can do about them.

use std::io;
use std::path::{Path, PathBuf};

use indicatif::HumanBytes;

/// Why a model is not available.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The catalog does not list it.
    #[error("unknown model `{id}`; known models: {}", known.join(", "))]
    UnknownModel {
        /// The requested id.
        id: String,
        /// The ids in the catalog.
        known: Vec<String>,
    },
    /// Every source failed. Retrying later, or from another network, may help.
    #[error("cannot download `{model}`:\n  {}", tried.join("\n  "))]
    Unreachable {
        /// The model and the file.
        model: String,
        /// Each source with its error.
        tried: Vec<String>,
    },
    /// A file has the wrong content. It was not kept, or its receipt was withdrawn, so that the next pull replaces it.
    #[error(
        "`{file}` has the wrong content: its hash is {found}, expected {expected}; run `daedap models pull` to \
         download it again"
    )]
    WrongHash {
        /// The model and the file.
        file: String,
        /// The catalog's or the announced hash.
        expected: String,
        /// The hash of the file.
        found: String,
    },
    /// The disk is too full.
    #[error(
        "`{}` needs {} of free disk space, but only {} are free",
        dir.display(), HumanBytes(*needed_bytes), HumanBytes(*available_bytes)
    )]
    NotEnoughDisk {
        /// The models directory.
        dir: PathBuf,
        /// Peak size of the download.
        needed_bytes: u64,
        /// Free bytes.
        available_bytes: u64,
    },
    /// Another process was still downloading the model after the lock timeout.
    #[error("another process is still downloading `{model}`; wait for it, or stop it and try again")]
    Locked {
        /// The model.
        model: String,
    },
    /// A model to verify has missing files.
    #[error("`{model}` is not installed; run `daedap models pull {model}` to download it")]
    NotInstalled {
        /// The model.
        model: String,
    },
    /// The folder holds no usable embedder.
    #[error("`{}` is not an embedder folder: {reason}", dir.display())]
    InvalidEmbedder {
        /// The folder.
        dir: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// An environment variable has an invalid value.
    #[error("`{name}` is invalid: {reason}")]
    InvalidSetting {
        /// The variable.
        name: &'static str,
        /// What is wrong with it; never the value, which may hold credentials.
        reason: String,
    },
    /// A file system operation failed.
    #[error("cannot access `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl ModelError {
    /// Adds the path to an IO error, which does not carry one.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
