//! Conversations: questions, and the answers that are streamed to them.

mod answer;
mod conversation;
mod turn;

pub use answer::{AnswerEvent, DeltaEvent, DoneEvent, QueuedEvent, Usage};
pub use conversation::{Conversation, ConversationList, ConversationReply, NewTurn};
pub use turn::{Citation, FinishReason, Role, Turn, TurnState};
