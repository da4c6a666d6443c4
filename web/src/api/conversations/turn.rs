//! Stored questions and answers, and what an answer cites.

use chat::render;
use domain::{ChunkId, ConversationId, DocumentId, Language, TurnId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::filter::LanguageCode;

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
    /// The question that an answer is to; `null` for a question.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub question: Option<TurnId>,
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
    /// The passage's text at the time of the answer, Markdown; empty once its document is deleted.
    pub text: String,
    /// The same as HTML that is safe to show.
    pub html: String,
    /// Whether the document was deleted.
    #[serde(default)]
    #[schema(required = true)]
    pub deleted: bool,
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
            question: turn.question,
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
        let domain::Citation { number, chunk, document, title, heading_path, page, text, deleted } = citation;
        let html = render::document_html(&text);
        Self { number, chunk, document, title, heading_path, page, text, html, deleted }
    }
}

impl From<Citation> for domain::Citation {
    fn from(citation: Citation) -> Self {
        let Citation { number, chunk, document, title, heading_path, page, text, html: _, deleted } =
            citation;
        Self { number, chunk, document, title, heading_path, page, text, deleted }
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
