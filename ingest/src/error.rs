//! Why a document was not taken in: one enum for the whole room, with a stable code and a sentence for people.

use std::path::PathBuf;

use db::DbError;
use domain::{EmbedError, VectorStoreError};

use crate::fetch::FetchError;
use crate::originals::OriginalsError;
use crate::parse::ParseError;

/// Why a document, or a whole folder, was not taken in.
///
/// The text is shown to the person who brought the document; [`IngestError::code`] is for programs.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file or folder cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// The folder holds no file at all. Nothing is removed in this case: the folder may just not be mounted.
    #[error("no files were found in {}; nothing was changed", root.display())]
    NoFiles {
        /// The folder.
        root: PathBuf,
    },
    /// The source's name cannot be stored.
    #[error("the name of the source cannot be used: {0}")]
    BadSource(&'static str),
    /// The tags cannot be stored.
    #[error("the tags cannot be used: {0}")]
    BadTags(&'static str),
    /// Two files of a folder have the same name once it is in Unicode normal form.
    #[error("another file has the same name in another Unicode form; rename one of them")]
    DuplicateSource,
    /// Its text cannot be had.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// More bytes than a document may have.
    #[error("the document has {bytes} bytes, and {max_bytes} are allowed")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// Who had asked for it does not want it any more.
    #[error("it was called off")]
    Cancelled,
    /// The embedder failed.
    #[error(transparent)]
    Embedder(#[from] EmbedError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// A page of the Web cannot be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The source bytes cannot be kept.
    #[error(transparent)]
    Originals(#[from] OriginalsError),
    /// The vector store does not hold what it acknowledged.
    #[error(
        "the vector store holds {stored} of the document's {expected} chunks; the previous version stays"
    )]
    ChunksMissing {
        /// Chunks found.
        stored: u64,
        /// Chunks written.
        expected: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl IngestError {
    /// A code that stays the same between releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::NoFiles { .. } => "no_files",
            Self::BadSource(_) => "bad_source",
            Self::BadTags(_) => "bad_tags",
            Self::DuplicateSource => "duplicate_source",
            Self::Parse(error) => error.code(),
            Self::TooLarge { .. } => "too_large",
            Self::Fetch(error) => error.code(),
            Self::Cancelled => "cancelled",
            Self::Embedder(EmbedError::Unusable(_)) => "embedder_unusable",
            Self::Embedder(EmbedError::Failed(_)) => "embedder_failed",
            Self::Vectors(VectorStoreError::SpaceMismatch { .. }) => "space_mismatch",
            Self::Vectors(VectorStoreError::Locked(_)) => "vectors_locked",
            Self::Vectors(VectorStoreError::Unavailable(_)) => "vectors_unavailable",
            Self::Vectors(VectorStoreError::Full(_)) | Self::Originals(OriginalsError::Full(_)) => {
                "disk_full"
            }
            Self::Originals(OriginalsError::Missing) => "original_missing",
            Self::Originals(OriginalsError::Unavailable(_)) => "originals_unavailable",
            Self::Originals(OriginalsError::Unusable(_)) => "originals_unusable",
            Self::Vectors(VectorStoreError::Failed(_)) | Self::ChunksMissing { .. } => "vectors_failed",
            Self::Database(DbError::NotFound(_)) => "not_found",
            Self::Database(DbError::Conflict(_)) => "conflict",
            Self::Database(DbError::Rejected(_)) => "rejected",
            Self::Database(DbError::Unavailable(_)) => "database_unavailable",
            Self::Database(DbError::Failed(_)) => "database_failed",
        }
    }

    /// Whether the document is not to blame, so that it may go in later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Embedder(EmbedError::Failed(_))
            | Self::Vectors(
                VectorStoreError::Locked(_)
                | VectorStoreError::Unavailable(_)
                | VectorStoreError::Full(_)
                | VectorStoreError::Failed(_),
            )
            | Self::Originals(OriginalsError::Full(_) | OriginalsError::Unavailable(_))
            | Self::ChunksMissing { .. }
            | Self::Database(DbError::Unavailable(_) | DbError::Failed(_)) => true,
            Self::Unreadable { .. }
            | Self::NoFiles { .. }
            | Self::BadSource(_)
            | Self::BadTags(_)
            | Self::DuplicateSource
            | Self::Parse(_)
            | Self::TooLarge { .. }
            | Self::Fetch(_)
            | Self::Cancelled
            | Self::Embedder(EmbedError::Unusable(_))
            | Self::Vectors(VectorStoreError::SpaceMismatch { .. })
            | Self::Originals(OriginalsError::Missing | OriginalsError::Unusable(_))
            | Self::Database(DbError::NotFound(_) | DbError::Conflict(_) | DbError::Rejected(_)) => false,
        }
    }

    /// Whether every other document would fail in the same way, so that going on makes no sense.
    pub fn concerns_every_document(&self) -> bool {
        match self {
            Self::Embedder(EmbedError::Unusable(_))
            | Self::Vectors(
                VectorStoreError::SpaceMismatch { .. }
                | VectorStoreError::Locked(_)
                | VectorStoreError::Unavailable(_)
                | VectorStoreError::Full(_),
            )
            | Self::Originals(
                OriginalsError::Full(_) | OriginalsError::Unavailable(_) | OriginalsError::Unusable(_),
            )
            | Self::Database(DbError::Unavailable(_)) => true,
            Self::Unreadable { .. }
            | Self::NoFiles { .. }
            | Self::BadSource(_)
            | Self::BadTags(_)
            | Self::DuplicateSource
            | Self::Parse(_)
            | Self::TooLarge { .. }
            | Self::Fetch(_)
            | Self::Cancelled
            | Self::Embedder(EmbedError::Failed(_))
            | Self::Vectors(VectorStoreError::Failed(_))
            | Self::Originals(OriginalsError::Missing)
            | Self::ChunksMissing { .. }
            | Self::Database(
                DbError::NotFound(_) | DbError::Conflict(_) | DbError::Rejected(_) | DbError::Failed(_),
            ) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_server_stops_a_folder_and_a_bad_file_does_not() {
        let lost = IngestError::Vectors(VectorStoreError::Unavailable("connection refused".into()));
        assert!(lost.concerns_every_document());
        assert!(!IngestError::Parse(ParseError::Empty).concerns_every_document());
    }
}
