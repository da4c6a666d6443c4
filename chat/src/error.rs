//! Defines why a question could not be answered.

use db::DbError;
use domain::GenerateError;
use retriever::RetrieveError;

/// Why a question could not be answered. A valid question is stored before any other error can occur.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// It has no characters except white space.
    #[error("the question is empty")]
    QuestionEmpty,
    /// It has too many characters.
    #[error("the question has {length} characters; the maximum is {limit}")]
    QuestionTooLong {
        /// Number of characters.
        length: usize,
        /// Maximum number of characters.
        limit: usize,
    },
    /// The service is shutting down and takes no more questions.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// The conversation or a collection does not exist, or the database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The search failed.
    #[error(transparent)]
    Retrieval(#[from] RetrieveError),
    /// The generator failed.
    #[error(transparent)]
    Generation(#[from] GenerateError),
}
