//! Defines why a document cannot be ingested: one enum for the whole crate, with a stable code and a message for people.

use std::io;
use std::path::PathBuf;

use db::DbError;
use domain::{EmbedError, SourceNameError, TagsError, TooManyRemovals, VectorStoreError, with_causes};
use fetch::FetchError;
use parse::{ArchiveError, ParseError};

use crate::originals::OriginalsError;

/// Why a document, or a whole folder, cannot be ingested.
///
/// [`IngestError::message`] is for the person who gave the document, [`IngestError::code`] for programs.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file or folder cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the operating system reports.
        source: io::Error,
    },
    /// The folder has no files. Nothing is deleted in this case: the folder may just not be mounted.
    #[error("no files were found in `{}`; nothing was changed", root.display())]
    NoFiles {
        /// The folder.
        root: PathBuf,
    },
    /// It is a link or a device, which is not followed or read.
    #[error("`{path}` is not a regular file; links are not followed, and its document stays as it was")]
    NotRegularFile {
        /// The file.
        path: String,
    },
    /// A source no longer holds a large part of its documents, which somebody must confirm.
    #[error(transparent)]
    TooManyRemovals(#[from] TooManyRemovals),
    /// The source's name cannot be stored.
    #[error(transparent)]
    BadSource(#[from] SourceNameError),
    /// The file's name is not valid Unicode.
    #[error("the name of the source cannot be used: it is not valid Unicode")]
    SourceNotUnicode,
    /// The tags cannot be stored.
    #[error(transparent)]
    BadTags(#[from] TagsError),
    /// Two files of a folder have the same name once it is in Unicode normal form.
    #[error("another file has the same name in another Unicode form; rename one of them")]
    DuplicateSource,
    /// Its text cannot be extracted.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The archive that it is in, or its member there, cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// It has more bytes than a document may have.
    #[error("the document has {bytes} bytes; the maximum is {max_bytes}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The maximum.
        max_bytes: u64,
    },
    /// The caller cancelled it.
    #[error("the ingest was cancelled")]
    Cancelled,
    /// The embedder failed.
    #[error(transparent)]
    Embedder(#[from] EmbedError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// A web page cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The source bytes cannot be kept.
    #[error(transparent)]
    Originals(#[from] OriginalsError),
    /// The file of deleted documents cannot be read or written.
    #[error("the file of deleted documents cannot be used")]
    Tombstones(#[source] io::Error),
    /// The vector store does not hold what it acknowledged.
    #[error(
        "the vector store holds {stored} of the document's {expected} chunks; the previous version stays"
    )]
    ChunksMissing {
        /// Chunks counted in the vector store.
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
            Self::NotRegularFile { .. } => "not_regular_file",
            Self::TooManyRemovals(_) => "too_many_removals",
            Self::BadSource(_) | Self::SourceNotUnicode => "bad_source",
            Self::BadTags(_) => "bad_tags",
            Self::DuplicateSource => "duplicate_source",
            Self::Parse(error) => error.code(),
            Self::Archive(error) => error.code(),
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
            Self::Tombstones(_) => "tombstones_unusable",
            Self::Originals(OriginalsError::Missing) => "original_missing",
            Self::Originals(OriginalsError::Unavailable(_)) => "originals_unavailable",
            Self::Originals(OriginalsError::Unusable { .. }) => "originals_unusable",
            Self::Vectors(VectorStoreError::Failed(_)) | Self::ChunksMissing { .. } => "vectors_failed",
            Self::Database(DbError::NotFound(_)) => "not_found",
            Self::Database(DbError::Conflict(_)) => "conflict",
            Self::Database(DbError::Rejected(_)) => "rejected",
            Self::Database(DbError::Unavailable(_)) => "database_unavailable",
            Self::Database(DbError::Failed(_)) => "database_failed",
        }
    }

    /// The error with its causes, on one line, for people.
    pub fn message(&self) -> String {
        with_causes(self)
    }

    /// Whether the document is not to blame, so that a later attempt may succeed.
    pub fn is_retryable(&self) -> bool {
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
            | Self::Parse(ParseError::Unavailable(_))
            | Self::Tombstones(_)
            | Self::Database(DbError::Unavailable(_) | DbError::Failed(_)) => true,
            Self::Unreadable { .. }
            | Self::NoFiles { .. }
            | Self::NotRegularFile { .. }
            | Self::TooManyRemovals(_)
            | Self::BadSource(_)
            | Self::SourceNotUnicode
            | Self::BadTags(_)
            | Self::DuplicateSource
            | Self::Parse(_)
            | Self::Archive(_)
            | Self::TooLarge { .. }
            | Self::Fetch(_)
            | Self::Cancelled
            | Self::Embedder(EmbedError::Unusable(_))
            | Self::Vectors(VectorStoreError::SpaceMismatch { .. })
            | Self::Originals(OriginalsError::Missing | OriginalsError::Unusable { .. })
            | Self::Database(DbError::NotFound(_) | DbError::Conflict(_) | DbError::Rejected(_)) => false,
        }
    }

    /// Whether every other document would fail in the same way, so that there is no point in continuing.
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
                OriginalsError::Full(_) | OriginalsError::Unavailable(_) | OriginalsError::Unusable { .. },
            )
            | Self::Parse(ParseError::Unavailable(_))
            | Self::Tombstones(_)
            | Self::Database(DbError::Unavailable(_)) => true,
            Self::Unreadable { .. }
            | Self::NoFiles { .. }
            | Self::NotRegularFile { .. }
            | Self::TooManyRemovals(_)
            | Self::BadSource(_)
            | Self::SourceNotUnicode
            | Self::BadTags(_)
            | Self::DuplicateSource
            | Self::Parse(_)
            | Self::Archive(_)
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
        let no_parser = IngestError::Parse(ParseError::Unavailable("too many open files".to_owned()));
        assert!(no_parser.concerns_every_document() && no_parser.is_retryable(), "no document is to blame");
    }

    #[test]
    fn names_and_tags_that_cannot_be_stored_have_codes() {
        for bad in ["", "  ", "a\0b", "a\nb", &"가".repeat(2000)] {
            let error = domain::normalize_source(bad).expect_err(bad);
            assert_eq!(IngestError::from(error).code(), "bad_source");
        }
        let number = |count: usize| (0..count).map(|number| number.to_string());
        for bad in
            [number(33).collect(), vec!["가".repeat(65)], vec![" ".to_owned()], vec!["a\0b".to_owned()]]
        {
            let error = domain::normalize_tags(&bad).expect_err("too much");
            assert_eq!(IngestError::from(error).code(), "bad_tags", "{bad:?}");
        }
    }

    #[test]
    fn a_message_ends_with_the_cause() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = IngestError::Unreadable { path: "/srv/휴가.md".to_owned(), source };
        assert_eq!(error.message(), "cannot read `/srv/휴가.md`: permission denied");
    }
}
