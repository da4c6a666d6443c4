//! Why an evaluation fails.

use db::DbError;
use retriever::RetrieveError;

/// Why a collection is not measured, or a question not added.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The collection has no questions.
    #[error("the collection has no evaluation questions")]
    NoQuestions,
    /// A question is not valid.
    #[error("{field}: {message}")]
    Invalid {
        /// The field that it is about.
        field: &'static str,
        /// What is wrong with it.
        message: String,
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
