//! Measures a collection with its own questions, and keeps the results for comparison.

mod error;
pub mod question;
mod run;
mod sample;

pub use error::{EvaluationError, Violation};
pub use run::{Measured, RunSettings, measure, run};
pub use sample::sampled;
