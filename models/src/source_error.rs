//! Defines the error of one source; `install` collects them and tries the next source.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a source did not provide a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Retrying later may help: no connection, a broken one, a stall, an overloaded server.
    #[error("{location}: {reason}")]
    Temporary { location: String, reason: String, retry_after: Option<Duration> },
    /// Retrying does not help.
    #[error("{location}: {reason}")]
    Permanent { location: String, reason: String },
    /// The server's file is not longer than the partial file.
    #[error("{location}: the file ends before the requested range")]
    OutOfRange { location: String },
    /// The source has other content.
    #[error("`{file}` has the hash {found}, expected {expected}")]
    WrongHash { file: String, expected: String, found: String },
    /// The local disk failed. No other source would do better.
    #[error("cannot access `{}`", path.display())]
    Disk { path: PathBuf, source: io::Error },
}

impl SourceError {
    pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }

    pub(crate) fn temporary(location: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Temporary { location: location.into(), reason: reason.into(), retry_after: None }
    }

    pub(crate) fn permanent(location: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Permanent { location: location.into(), reason: reason.into() }
    }
}
