//! Chats: what was asked, what was answered, and what the answer stands on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::id::{ChunkId, ConversationId, DocumentId, TurnId, WorkspaceId};
use crate::values::language::Language;

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The tenant it belongs to.
    #[serde(skip)]
    pub workspace: WorkspaceId,
    /// The beginning of its first question; empty until there is one.
    pub title: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When its last turn was written.
    pub updated_at: Timestamp,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The instructions; never stored as a turn.
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
    /// The chat it belongs to.
    pub conversation: ConversationId,
    /// From 0; questions are even, answers odd.
    pub position: u32,
    /// Who speaks.
    pub role: Role,
    /// Where it stands.
    pub state: TurnState,
    /// What is said, Markdown.
    pub content: String,
    /// Language of the content.
    pub language: Language,
    /// Whether the answer says that the documents do not hold it.
    pub abstained: bool,
    /// Why an answer ended; `None` for questions and answers being written.
    pub finish_reason: Option<FinishReason>,
    /// What the answer stands on, in order of first mention.
    pub citations: Vec<Citation>,
    /// When it was stored first.
    pub created_at: Timestamp,
}

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// An answer that is being written, or was when the process died.
    Writing,
    /// Complete.
    Complete,
    /// An answer that was cut off: the reader went away, the generator failed, or the process died.
    Interrupted,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model said all it had to say.
    Stop,
    /// The token limit was reached.
    Length,
    /// The documents do not hold the answer; no model was asked.
    Abstained,
    /// The passages' own sentences were given; no model was asked.
    Extractive,
    /// The reader went away.
    Cancelled,
    /// Something failed.
    Error,
}

/// What an answer took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were not computed again.
    pub cached_tokens: usize,
    /// Tokens written.
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
    /// The passage's text at the time of the answer.
    pub text: String,
}
