//! Passages and a conversation's history in, a cited answer out.
//!
//! The one way through is [`Chat::ask`]: store the question, retrieve, decide between answering and abstaining,
//! write, check the citations, store the answer. What is absent: HTTP (that is `web`), SQL text (that is `db`),
//! and any model's inside (that is `llm`, behind the [`domain::Generator`] port in [`generator`]).

pub mod abstain;
pub mod cite;
pub mod conversation;
pub mod error;
pub mod eval;
pub mod extract;
pub mod generator;
pub mod prompt;
pub mod render;

pub use conversation::{AnswerEvent, Ask, Chat, ChatOptions, ChatParts, CompletedAnswer};
pub use error::ChatError;
