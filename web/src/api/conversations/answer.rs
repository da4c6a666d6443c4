//! Answers while they are written.

use std::collections::BTreeMap;

use domain::{Language, TurnId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::conversations::turn::{Citation, FinishReason, Turn};
use crate::api::errors::ErrorEvent;
use crate::api::events::stream_events;
use crate::api::filter::LanguageCode;
use crate::api::search::PassageList;

stream_events! {
    /// An answer while it is written. The last event is `done` or `error`.
    pub enum AnswerEvent {
        /// The question waits for the model.
        "queued" => Queued(QueuedEvent),
        /// The passages that the answer may cite: `[1]` is the first.
        "sources" => Sources(PassageList),
        /// More text of the answer.
        "delta" => Delta(DeltaEvent),
        /// The answer is complete and stored.
        "done" => Done(DoneEvent),
        /// The answer was cut off; the partial answer is stored.
        "error" => Error(ErrorEvent),
    }
}

/// A question waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuedEvent {
    /// Number of requests ahead of it.
    pub position: usize,
}

/// More text of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeltaEvent {
    /// The text, Markdown.
    pub text: String,
}

/// An answer as it is stored, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DoneEvent {
    /// The answer's turn.
    #[schema(value_type = Uuid)]
    pub turn_id: TurnId,
    /// Why it ended.
    #[schema(required = true)]
    pub finish_reason: Option<FinishReason>,
    /// Language of the answer.
    #[schema(value_type = LanguageCode)]
    pub language: Language,
    /// Whether it says that the documents do not hold the answer.
    pub abstained: bool,
    /// The answer, Markdown.
    pub content: String,
    /// The same as HTML that is safe to show.
    pub html: String,
    /// What it cites, in order of first mention.
    pub citations: Vec<Citation>,
    /// Tokens.
    pub usage: Usage,
    /// Milliseconds by stage.
    pub timings_ms: BTreeMap<String, f64>,
}

/// Tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that came from the prefix cache.
    pub cached_tokens: usize,
    /// Tokens of the answer.
    pub completion_tokens: usize,
}

impl From<chat::CompletedAnswer> for DoneEvent {
    fn from(completed: chat::CompletedAnswer) -> Self {
        let chat::CompletedAnswer { turn, usage, timings_ms } = completed;
        let turn = Turn::from(turn);
        Self {
            turn_id: turn.id,
            finish_reason: turn.finish_reason,
            language: turn.language,
            abstained: turn.abstained,
            content: turn.content,
            html: turn.html,
            citations: turn.citations,
            usage: usage.into(),
            timings_ms,
        }
    }
}

impl From<domain::Usage> for Usage {
    fn from(usage: domain::Usage) -> Self {
        let domain::Usage { prompt_tokens, cached_tokens, completion_tokens } = usage;
        Self { prompt_tokens, cached_tokens, completion_tokens }
    }
}
