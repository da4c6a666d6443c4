//! Holds what answering depends on: the database, the retriever, the generator, and limits.

use std::sync::Arc;
use std::time::Duration;

use db::Database;
use domain::{Analyzer, Generator, Sampling};
use retriever::Retriever;

/// What [`Chat`](crate::Chat) depends on.
pub struct ChatParts {
    /// Stores conversations.
    pub db: Database,
    /// Retrieves passages.
    pub retriever: Arc<Retriever>,
    /// The analyzer of the retriever.
    pub analyzer: Arc<dyn Analyzer>,
    /// Generates answers.
    pub generator: Arc<dyn Generator>,
    /// Limits and sampling.
    pub options: ChatOptions,
}

/// Limits and sampling of answers.
#[derive(Debug, Clone)]
pub struct ChatOptions {
    /// Maximum number of passages in a prompt.
    pub passages: usize,
    /// Maximum number of tokens of an answer.
    pub answer_tokens: usize,
    /// Maximum number of characters of a question.
    pub question_characters: usize,
    /// Maximum time from the question to the last token.
    pub deadline: Duration,
    /// How the generator samples tokens.
    pub sampling: Sampling,
}
