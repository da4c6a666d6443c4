//! The generator port: messages in, a stream of text out.

use std::pin::Pin;

use async_trait::async_trait;
use futures::Stream;

use crate::values::cause::Cause;
use crate::values::generation::{GenerationEvent, GenerationRequest, Message};
use crate::values::language::LanguageCoverage;
use crate::values::ticket::Ticket;

/// Events of one request. Dropping the stream cancels the request within one step.
pub type GenerationStream = Pin<Box<dyn Stream<Item = Result<GenerationEvent, GenerateError>> + Send>>;

/// Generates answers.
#[async_trait]
pub trait Generator: Send + Sync {
    /// The model's display name.
    fn model(&self) -> &str;

    /// The languages that the model writes.
    fn coverage(&self) -> &LanguageCoverage;

    /// The context window: maximum number of tokens of prompt and answer together.
    fn context_tokens(&self) -> usize;

    /// Number of tokens of `messages` as a prompt. Exact for a local model; for a remote one an estimate, never too low.
    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<usize, GenerateError>;

    /// Reserves an answer, before anything is stored for it: the answers in progress and those that wait are bounded, and
    /// beyond them it is [`GenerateError::Overloaded`].
    fn reserve(&self) -> Result<Ticket, GenerateError>;

    /// Starts the answer that `ticket` reserved. The ticket is given back with the last event.
    async fn generate(
        &self,
        request: GenerationRequest,
        ticket: Ticket,
    ) -> Result<GenerationStream, GenerateError>;

    /// Checks that it can generate now: for a server, that it answers.
    async fn check(&self) -> Result<(), GenerateError>;
}

/// Why generation failed or ended early.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GenerateError {
    /// Prompt and answer together do not fit the model's context window.
    #[error("the prompt has {prompt_tokens} tokens; the context window is {context_tokens}")]
    ContextTooLong {
        /// Tokens of the prompt and of the answer asked for.
        prompt_tokens: usize,
        /// The context window.
        context_tokens: usize,
    },
    /// The queue is full; retrying later helps.
    #[error("the generator has too many requests waiting")]
    Overloaded,
    /// The deadline passed.
    #[error("the generator exceeded its deadline")]
    DeadlineExceeded,
    /// The server behind it cannot be reached or refuses; retrying later may help.
    #[error("the generator is unavailable")]
    Unavailable(#[source] Cause),
    /// The server behind it refuses the key. Retrying does not help; a correct setting does.
    #[error("the server of the language model refuses the API key; check `generator.api_key`: {0}")]
    KeyRefused(String),
    /// The server behind it does not have the model, or nothing at the path. Retrying does not help; a correct setting does.
    #[error(
        "the server of the language model does not have the model; check `generator.url` and `model`: {0}"
    )]
    ModelNotFound(String),
    /// The model or the server returned something invalid.
    #[error("the generator failed")]
    Failed(#[source] Cause),
}
