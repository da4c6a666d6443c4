//! Why an evaluation fails.

use db::DbError;
use retriever::RetrieveError;

/// What is wrong with a field of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// There is no value.
    #[error("is missing")]
    Missing,
    /// The answer does not tell which documents are expected.
    #[error("the answer cites no document of the collection; name the documents that hold the answer")]
    NoCitedDocument,
    /// The list is too long.
    #[error("must have at most {max} entries")]
    Entries {
        /// Number of entries allowed.
        max: usize,
    },
    /// The text is empty, too long, or has control characters.
    #[error("must have 1 to {max} characters and no control characters")]
    Characters {
        /// Number of characters allowed.
        max: usize,
    },
    /// The name of a source has too many bytes, or more than one line.
    #[error("must be one line of at most {max_bytes} bytes")]
    Line {
        /// Number of bytes allowed.
        max_bytes: usize,
    },
}

/// Why a collection is not measured, or a question not added.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The collection has no questions.
    #[error("the collection has no evaluation questions")]
    NoQuestions,
    /// A question is not valid.
    #[error("{field}: {violation}")]
    Invalid {
        /// The field that it is about.
        field: &'static str,
        /// What is wrong with it.
        violation: Violation,
    },
    /// The figures cannot be written as JSON.
    #[error("cannot write the report")]
    Report(#[from] serde_json::Error),
    /// The collection or the turn does not exist, or SQL does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A search failed.
    #[error(transparent)]
    Retrieval(#[from] RetrieveError),
}
