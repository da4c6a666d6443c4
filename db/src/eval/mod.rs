//! Evaluation sets and the runs that measured them.

mod questions;
mod runs;

pub use questions::{MAX_EVAL_QUESTIONS, NewEvalQuestion, StoredEvalQuestion};
pub use runs::EvalRun;
