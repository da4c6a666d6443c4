//! Conversations with their turns, and the question to one.

use domain::{CollectionId, ConversationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::conversations::turn::Turn;
use crate::api::filter::FilterRequest;

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

impl From<domain::Conversation> for Conversation {
    fn from(conversation: domain::Conversation) -> Self {
        let domain::Conversation { id, workspace: _, title, created_at, updated_at } = conversation;
        Self { id, title, created_at, updated_at }
    }
}
