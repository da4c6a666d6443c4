//! The generator port: messages in, text out as it is written.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures::Stream;

use crate::{FinishReason, LanguageCoverage, Role, Usage};

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said. Always plain text: markup of the model's own (`<|im_end|>`) has no power in it.
    pub content: String,
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token every time (greedy); 1 samples from the model's own distribution.
    pub temperature: f32,
    /// Sample from the smallest set of tokens with at least this probability together; 1 switches it off.
    pub top_p: f32,
    /// Drop tokens less likely than this share of the likeliest one; 0 switches it off.
    pub min_p: f32,
    /// Divide the logits of tokens already seen by this; 1 switches it off.
    pub repeat_penalty: f32,
    /// The same seed gives the same answer; `None` draws one.
    pub seed: Option<u64>,
}

impl Sampling {
    /// Always the likeliest token.
    pub const GREEDY: Self =
        Self { temperature: 0.0, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.0, seed: None };
}

/// What to write.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRequest {
    /// System text first, then history, the question last. What stays the same between turns comes first, so
    /// that a generator can reuse what it computed for it.
    pub messages: Vec<Message>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Most tokens to write.
    pub max_tokens: usize,
    /// Texts that end the answer; none of them, nor the beginning of one, reaches the reader.
    pub stop: Vec<String>,
    /// Longest time from the request to its last token, waiting included.
    pub deadline: Duration,
}

/// What a generator reports while it writes.
#[derive(Debug, Clone, PartialEq)]
pub enum GenerationEvent {
    /// Waiting; this many requests are ahead.
    Queued {
        /// Requests ahead.
        position: usize,
    },
    /// More text; never a part of a character.
    Delta(String),
    /// The end. Nothing follows.
    Done {
        /// Why it ended.
        finish_reason: FinishReason,
        /// What it took.
        usage: Usage,
    },
}

/// Events of one request. Dropping the stream cancels the request within one step.
pub type GenerationStream = Pin<Box<dyn Stream<Item = Result<GenerationEvent, GenerateError>> + Send>>;

/// Writes answers.
#[async_trait]
pub trait Generator: Send + Sync {
    /// The model's name, as shown to people.
    fn model(&self) -> &str;

    /// The languages it writes.
    fn coverage(&self) -> &LanguageCoverage;

    /// Most tokens of prompt and answer together.
    fn context_tokens(&self) -> usize;

    /// Tokens that `messages` take as a prompt. Exact for a local model, an estimate on the high side for a remote one.
    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<usize, GenerateError>;

    /// Starts writing.
    async fn generate(&self, request: GenerationRequest) -> Result<GenerationStream, GenerateError>;
}

/// Why nothing (more) is written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GenerateError {
    /// Prompt and answer together do not fit the model's context.
    #[error("the prompt takes {prompt_tokens} tokens, and the model reads {context_tokens}")]
    ContextTooLong {
        /// Tokens of the prompt and of the answer asked for.
        prompt_tokens: usize,
        /// The model's limit.
        context_tokens: usize,
    },
    /// Too many requests wait already; trying again later helps.
    #[error("the generator has too many requests waiting")]
    Overloaded,
    /// The deadline passed.
    #[error("the generator took too long")]
    DeadlineExceeded,
    /// The server behind it cannot be reached or refuses; trying again later may help.
    #[error("the generator is unavailable: {0}")]
    Unavailable(String),
    /// The model or the server did something it must not.
    #[error("the generator failed: {0}")]
    Failed(String),
}
