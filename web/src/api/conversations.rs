//! Conversations: questions, and the answers that are streamed to them.

use std::collections::BTreeMap;

use chat::render;
use domain::{ChunkId, CollectionId, ConversationId, DocumentId, Language, TurnId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::errors::ErrorEvent;
use crate::api::events::stream_events;
use crate::api::filter::{FilterRequest, LanguageCode};
use crate::api::search::PassageList;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conversation {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// The beginning of its first question; empty until there is one.
    pub title: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its last turn was stored.
    pub updated_at: Timestamp,
}

/// The newest conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConversationList {
    /// The conversations, newest first; at most 200.
    pub conversations: Vec<Conversation>,
}

/// A conversation with its turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConversationReply {
    /// The conversation.
    pub conversation: Conversation,
    /// Its turns, in order.
    pub turns: Vec<Turn>,
}

/// One question or answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: TurnId,
    /// The conversation it belongs to.
    #[schema(value_type = Uuid)]
    pub conversation: ConversationId,
    /// From 0; questions are even, answers odd.
    pub position: u32,
    /// Who speaks.
    pub role: Role,
    /// Whether it is complete.
    pub state: TurnState,
    /// What is said, Markdown.
    pub content: String,
    /// The same as HTML that is safe to show.
    pub html: String,
    /// Language of the content.
    #[schema(value_type = LanguageCode)]
    pub language: Language,
    /// Whether the answer says that the documents do not hold it.
    pub abstained: bool,
    /// Why the answer ended; `null` for a question and for an answer that is being written.
    #[schema(required = true)]
    pub finish_reason: Option<FinishReason>,
    /// What the answer cites, in order of first mention.
    pub citations: Vec<Citation>,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The instructions.
    System,
    /// The person.
    User,
    /// The service.
    Assistant,
}

/// Whether a turn is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// An answer that is being written.
    Writing,
    /// Complete.
    Complete,
    /// An answer that was cut off: the reader disconnected, the generator failed, or the server died.
    Interrupted,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended it.
    Stop,
    /// The maximum number of tokens was reached.
    Length,
    /// The documents do not hold the answer; no model was asked.
    Abstained,
    /// It quotes sentences of the passages; no model was asked.
    Extractive,
    /// The reader disconnected.
    Cancelled,
    /// Something failed.
    Error,
}

/// A checked link from an answer to a passage: `[number]` in the answer means this passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// The number in the answer, from 1.
    pub number: u32,
    /// The passage's chunk.
    #[schema(value_type = Uuid)]
    pub chunk: ChunkId,
    /// The passage's document.
    #[schema(value_type = Uuid)]
    pub document: DocumentId,
    /// The document's title.
    pub title: String,
    /// Headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// Page on which the passage begins; `null` where the source has no pages.
    #[schema(required = true)]
    pub page: Option<u32>,
    /// The passage's text at the time of the answer, Markdown.
    pub text: String,
    /// The same as HTML that is safe to show.
    pub html: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTurn {
    /// The question.
    #[schema(min_length = 1, pattern = r"\S")]
    pub question: String,
    /// The collections to answer from; empty: all of them.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    pub collections: Vec<CollectionId>,
    /// Conditions on the passages to answer from.
    #[serde(default)]
    pub filter: FilterRequest,
}

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

impl From<domain::Conversation> for Conversation {
    fn from(conversation: domain::Conversation) -> Self {
        let domain::Conversation { id, workspace: _, title, created_at, updated_at } = conversation;
        Self { id, title, created_at, updated_at }
    }
}

impl From<domain::Turn> for Turn {
    fn from(turn: domain::Turn) -> Self {
        let cited: Vec<u32> = turn.citations.iter().map(|citation| citation.number).collect();
        Self {
            html: render::answer_html(&turn.content, &cited),
            id: turn.id,
            conversation: turn.conversation,
            position: turn.position,
            role: turn.role.into(),
            state: turn.state.into(),
            content: turn.content,
            language: turn.language,
            abstained: turn.abstained,
            finish_reason: turn.finish_reason.map(FinishReason::from),
            citations: turn.citations.into_iter().map(Citation::from).collect(),
            created_at: turn.created_at,
        }
    }
}

impl From<domain::Citation> for Citation {
    fn from(citation: domain::Citation) -> Self {
        let domain::Citation { number, chunk, document, title, heading_path, page, text } = citation;
        let html = render::document_html(&text);
        Self { number, chunk, document, title, heading_path, page, text, html }
    }
}

impl From<Citation> for domain::Citation {
    fn from(citation: Citation) -> Self {
        let Citation { number, chunk, document, title, heading_path, page, text, html: _ } = citation;
        Self { number, chunk, document, title, heading_path, page, text }
    }
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

impl From<domain::Role> for Role {
    fn from(role: domain::Role) -> Self {
        match role {
            domain::Role::System => Self::System,
            domain::Role::User => Self::User,
            domain::Role::Assistant => Self::Assistant,
        }
    }
}

impl From<domain::TurnState> for TurnState {
    fn from(state: domain::TurnState) -> Self {
        match state {
            domain::TurnState::Writing => Self::Writing,
            domain::TurnState::Complete => Self::Complete,
            domain::TurnState::Interrupted => Self::Interrupted,
        }
    }
}

impl From<domain::FinishReason> for FinishReason {
    fn from(reason: domain::FinishReason) -> Self {
        match reason {
            domain::FinishReason::Stop => Self::Stop,
            domain::FinishReason::Length => Self::Length,
            domain::FinishReason::Abstained => Self::Abstained,
            domain::FinishReason::Extractive => Self::Extractive,
            domain::FinishReason::Cancelled => Self::Cancelled,
            domain::FinishReason::Error => Self::Error,
        }
    }
}

impl From<FinishReason> for domain::FinishReason {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Stop => Self::Stop,
            FinishReason::Length => Self::Length,
            FinishReason::Abstained => Self::Abstained,
            FinishReason::Extractive => Self::Extractive,
            FinishReason::Cancelled => Self::Cancelled,
            FinishReason::Error => Self::Error,
        }
    }
}
