//! Defines why a question could not be answered.

use db::DbError;
use domain::GenerateError;
use retriever::RetrieveError;

/// Why a question could not be answered. [`Chat::ask`](crate::Chat::ask) fails before it stores anything; what fails later
/// ends the answer.
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
    /// Another answer of the conversation is being written; when it ends, the question can be asked.
    #[error("another answer of this conversation is being written")]
    ConversationBusy,
    /// Writing the answer panicked.
    #[error("writing the answer panicked")]
    Panicked,
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
