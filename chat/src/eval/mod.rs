//! Evaluates answers: whether they are right, cite a document that holds the answer, and decline if none does.
//!
//! The caller asks the questions; a [`Tally`] takes each question with its answer.

pub mod overlap;
mod report;
mod tally;

pub use report::{AnswerableReport, Answered, AnswersReport, UnanswerableReport};
pub use tally::Tally;
