//! Why a question got no answer.

use db::DbError;
use domain::GenerateError;
use retriever::RetrieveError;

/// Why a question got no answer. Whatever the reason, a question that was valid is stored before it is met.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is nothing but white space.
    #[error("the question is empty")]
    QuestionEmpty,
    /// More than a person types.
    #[error("the question has {length} characters; at most {limit} are allowed")]
    QuestionTooLong {
        /// Characters in the question.
        length: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// The service is stopping and takes no more questions.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// The conversation or the collection is not there, or SQL does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The search failed.
    #[error(transparent)]
    Retrieval(#[from] RetrieveError),
    /// The generator failed.
    #[error(transparent)]
    Generation(#[from] GenerateError),
}
