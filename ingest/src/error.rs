//! Why a document was not taken in: one enum for the whole room, with a stable code and a sentence for people.

use std::path::PathBuf;

use db::DbError;
use domain::{EmbedError, VectorStoreError};

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
    /// The content is of a kind that cannot be read.
    #[error("this looks like {looks_like}, which cannot be read yet; Markdown, HTML and plain text can")]
    UnsupportedType {
        /// What the content looks like, with its article: "a PNG image".
        looks_like: &'static str,
    },
    /// The text is in no recognised character encoding, or it is damaged.
    #[error(
        "the text is damaged or in an unknown character encoding (first bad byte at offset {offset}, read as {encoding}); save it as UTF-8"
    )]
    BadEncoding {
        /// The encoding that fits best.
        encoding: &'static str,
        /// Offset of the first byte that is not valid in it.
        offset: usize,
    },
    /// There is no text.
    #[error("the document holds no text")]
    Empty,
    /// More bytes than a document may have.
    #[error("the document has {bytes} bytes, and {max_bytes} are allowed")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// A parser failed in a way that it must not; the document is left out, the process goes on.
    #[error("the document cannot be parsed: {0}")]
    ParserFailed(String),
    /// The embedder failed.
    #[error(transparent)]
    Embedder(#[from] EmbedError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
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
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::BadEncoding { .. } => "bad_encoding",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::ParserFailed(_) => "parser_failed",
            Self::Embedder(EmbedError::Unusable(_)) => "embedder_unusable",
            Self::Embedder(EmbedError::Failed(_)) => "embedder_failed",
            Self::Vectors(VectorStoreError::SpaceMismatch { .. }) => "space_mismatch",
            Self::Vectors(VectorStoreError::Locked(_)) => "vectors_locked",
            Self::Vectors(VectorStoreError::Unavailable(_)) => "vectors_unavailable",
            Self::Vectors(VectorStoreError::Failed(_)) | Self::ChunksMissing { .. } => "vectors_failed",
            Self::Database(DbError::NotFound(_)) => "not_found",
            Self::Database(DbError::Conflict(_)) => "conflict",
            Self::Database(DbError::Rejected(_)) => "rejected",
            Self::Database(DbError::Unavailable(_)) => "database_unavailable",
            Self::Database(DbError::Failed(_)) => "database_failed",
        }
    }

    /// Whether every other document would fail in the same way, so that going on makes no sense.
    pub fn concerns_every_document(&self) -> bool {
        match self {
            Self::Embedder(EmbedError::Unusable(_))
            | Self::Vectors(
                VectorStoreError::SpaceMismatch { .. }
                | VectorStoreError::Locked(_)
                | VectorStoreError::Unavailable(_),
            )
            | Self::Database(DbError::Unavailable(_)) => true,
            Self::Unreadable { .. }
            | Self::NoFiles { .. }
            | Self::BadSource(_)
            | Self::BadTags(_)
            | Self::DuplicateSource
            | Self::UnsupportedType { .. }
            | Self::BadEncoding { .. }
            | Self::Empty
            | Self::TooLarge { .. }
            | Self::ParserFailed(_)
            | Self::Embedder(EmbedError::Failed(_))
            | Self::Vectors(VectorStoreError::Failed(_))
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
    fn a_message_tells_a_person_what_to_do() {
        let error = IngestError::UnsupportedType { looks_like: "a PNG image" };
        assert_eq!(error.code(), "unsupported_type");
        assert_eq!(
            error.to_string(),
            "this looks like a PNG image, which cannot be read yet; Markdown, HTML and plain text can"
        );
    }

    #[test]
    fn a_lost_server_stops_a_folder_and_a_bad_file_does_not() {
        let lost = IngestError::Vectors(VectorStoreError::Unavailable("connection refused".into()));
        assert!(lost.concerns_every_document());
        assert!(!IngestError::Empty.concerns_every_document());
    }
}
