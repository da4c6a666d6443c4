//! Why a model cannot be had.
//!
//! [`ModelError`] is for callers, named by what they can do. `SourceError` is one failure of one place; the
//! store collects them and goes on to the next place.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::HumanBytes;

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The catalog does not have it.
    #[error("there is no model called {id:?}; there are: {}", known.join(", "))]
    UnknownModel {
        /// What was asked for.
        id: String,
        /// What can be asked for.
        known: Vec<String>,
    },
    /// No source gave it. Trying again later, or from another network, may help.
    #[error("{model} could not be downloaded:\n  {}", tried.join("\n  "))]
    Unreachable {
        /// The model and the file.
        model: String,
        /// Each source and what went wrong there.
        tried: Vec<String>,
    },
    /// A file is not what it must be. It was not kept, or its receipt was withdrawn, so that pulling again replaces it.
    #[error(
        "{file} is not the expected file: its hash is {found}, expected {expected}; `daedap models pull` gets it again"
    )]
    WrongHash {
        /// The model and the file.
        file: String,
        /// The catalog's or the announced hash.
        expected: String,
        /// The hash of what was there.
        found: String,
    },
    /// There is not enough room for it.
    #[error("{} needs {} free, but only {} are", dir.display(), HumanBytes(*needed_bytes), HumanBytes(*available_bytes))]
    NotEnoughDisk {
        /// The models directory.
        dir: PathBuf,
        /// Bytes that the download takes at its peak.
        needed_bytes: u64,
        /// Bytes that are free.
        available_bytes: u64,
    },
    /// Another process has been downloading it for longer than this one was told to wait.
    #[error("another process is still downloading {model}; wait for it, or stop it and try again")]
    Locked {
        /// The model.
        model: String,
    },
    /// It was to be verified, but is not here.
    #[error("{model} is not installed; `daedap models pull {model}` gets it")]
    NotInstalled {
        /// The model.
        model: String,
    },
    /// The folder holds no embedder that can be used.
    #[error("{} is no embedder: {reason}", dir.display())]
    BadEmbedder {
        /// The folder.
        dir: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// An environment variable holds something unusable.
    #[error("{name} cannot be used: {reason}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ModelError {
    /// Names the path that an IO error does not carry.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// One failure of one place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Asking again later may help: no connection, a cut one, a stall, an overloaded server.
    #[error("{place}: {reason}")]
    Passing { place: String, reason: String, retry_after: Option<Duration> },
    /// Asking again does not help.
    #[error("{place}: {reason}")]
    Refused { place: String, reason: String },
    /// It has fewer bytes than are here already.
    #[error("{place}: has nothing after the bytes that were downloaded before")]
    OutOfRange { place: String },
    /// It gave something else.
    #[error("{file} has the hash {found}, expected {expected}")]
    WrongHash { file: String, expected: String, found: String },
    /// Not its fault: the disk. No other source would do better.
    #[error("{}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
}

impl SourceError {
    pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }

    pub(crate) fn passing(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Passing { place: place.into(), reason: reason.into(), retry_after: None }
    }

    pub(crate) fn refused(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused { place: place.into(), reason: reason.into() }
    }
}

/// Runs work that blocks on disk or on the processor outside of the async threads.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Cancelled: the runtime is going away, and this future with it.
            Err(_) => std::future::pending().await,
        },
    }
}
