//! Values of text generation: what a generator is asked, and what it reports.

use std::time::Duration;

use crate::values::conversation::{FinishReason, Role, Usage};

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text. Always plain: the model's control tokens (`<|im_end|>`) have no effect in it.
    pub content: String,
}

/// How the next token is sampled.
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

/// A prompt, and the limits of the answer to it.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRequest {
    /// System text first, then history, the question last. What stays the same between turns comes first, so
    /// that a generator can reuse its prefix cache.
    pub messages: Vec<Message>,
    /// How tokens are sampled.
    pub sampling: Sampling,
    /// Maximum number of tokens to generate.
    pub max_tokens: usize,
    /// Stop sequences; none of them, nor the beginning of one, reaches the reader.
    pub stop: Vec<String>,
    /// Maximum time from the request to its last token, waiting in the queue included.
    pub deadline: Duration,
}

/// What a generator reports while it generates.
#[derive(Debug, Clone, PartialEq)]
pub enum GenerationEvent {
    /// The request waits in the queue.
    Queued {
        /// Number of requests ahead of it.
        position: usize,
    },
    /// More text; never a part of a character.
    Delta(String),
    /// The end. No event follows.
    Done {
        /// Why it ended.
        finish_reason: FinishReason,
        /// Tokens used.
        usage: Usage,
    },
}
