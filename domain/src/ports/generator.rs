//! The generator port: messages in, a stream of text out.

use std::pin::Pin;

use async_trait::async_trait;
use futures::Stream;

use crate::values::cause::Cause;
use crate::values::generation::{GenerationEvent, GenerationRequest, Message};
use crate::values::language::LanguageCoverage;

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

    /// Starts generating.
    async fn generate(&self, request: GenerationRequest) -> Result<GenerationStream, GenerateError>;
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
    /// The model or the server returned something invalid.
    #[error("the generator failed")]
    Failed(#[source] Cause),
}
