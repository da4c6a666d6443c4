//! Evaluation questions with their known answers.

use serde::{Deserialize, Serialize};

/// A question, and the documents that hold its answer. The same fields in files (JSON Lines), in SQL and over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalQuestion {
    /// The question's text.
    pub question: String,
    /// The questions of the same conversation before it, oldest first.
    #[serde(default)]
    pub history: Vec<String>,
    /// Sources of the documents that hold the answer, as [`is_source`](crate::is_source) matches them. Empty: no document
    /// holds it.
    #[serde(default)]
    pub expected: Vec<String>,
    /// A right answer, to compare with.
    #[serde(default)]
    pub answer: Option<String>,
}
