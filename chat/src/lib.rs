//! Answers questions from passages and a conversation's history, with checked citations.
//!
//! The entry point is [`Chat::ask`]: reserve the generator, store the question, retrieve, decide between answering and abstaining, generate,
//! check the citations, store the answer. It contains no HTTP (`web`), no SQL text (`db`), and nothing of a model (`llm`,
//! behind the [`domain::Generator`] port in [`generator`]).

pub mod abstain;
mod answering;
pub mod cite;
mod conversation;
mod error;
pub mod eval;
mod events;
pub mod extract;
#[cfg(test)]
mod fixture;
pub mod generator;
mod interim_saves;
mod last_save;
mod live_answers;
mod parts;
pub mod prompt;
pub mod render;

pub use conversation::{Ask, Chat};
pub use error::ChatError;
pub use events::{AnswerEvent, CompletedAnswer};
pub use parts::{ChatOptions, ChatParts};
