//! Conversations, their turns, and the answers among them.

mod answers;
mod conversations;
mod feedback;
mod turns;

pub use answers::FinishedAnswer;
pub use feedback::Feedback;
pub use turns::BegunExchange;
