//! Conversations, their turns, and the citations of answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::id::{ChunkId, ConversationId, DocumentId, TurnId, WorkspaceId};
use crate::values::language::Language;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The tenant it belongs to.
    #[serde(skip)]
    pub workspace: WorkspaceId,
    /// The beginning of its first question; empty until there is one.
    pub title: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its last turn was added or finished.
    pub updated_at: Timestamp,
}

/// The speaker of a turn or message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions to the model; never stored as a turn.
    System,
    /// The person.
    User,
    /// The service.
    Assistant,
}

/// One question or answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// From 0; questions are even, answers odd.
    pub position: u32,
    /// The speaker.
    pub role: Role,
    /// The question that an answer is to; `None` for a question.
    pub question: Option<TurnId>,
    /// Its state.
    pub state: TurnState,
    /// Its text, Markdown.
    pub content: String,
    /// Language of the content.
    pub language: Language,
    /// Whether the answer says that the documents do not contain it.
    pub abstained: bool,
    /// Why an answer ended; `None` for questions and answers in progress.
    pub finish_reason: Option<FinishReason>,
    /// The answer's citations, in order of first mention.
    pub citations: Vec<Citation>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A turn's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// An answer in progress, or one that was in progress when the process died.
    Writing,
    /// Complete.
    Complete,
    /// An answer that was cut off: the client disconnected, the generator failed, or the process died.
    Interrupted,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended the answer.
    Stop,
    /// The token limit was reached.
    Length,
    /// The documents do not contain the answer; no model was called.
    Abstained,
    /// The answer consists of the passages' own sentences; no model was called.
    Extractive,
    /// The client disconnected or cancelled.
    Cancelled,
    /// The generator or the process failed.
    Error,
}

/// Tokens that an answer used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that came from the prefix cache.
    pub cached_tokens: usize,
    /// Tokens of the answer.
    pub completion_tokens: usize,
}

/// A checked link from an answer to a passage: `[number]` in the answer means this passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the text, from 1.
    pub number: u32,
    /// The passage's chunk.
    pub chunk: ChunkId,
    /// The passage's document.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// Headings above the passage.
    pub heading_path: Vec<String>,
    /// Page on which it begins, where the source has pages.
    pub page: Option<u32>,
    /// The passage's text at the time of the answer; empty once the document is deleted.
    pub text: String,
    /// Whether the document was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}
