//! Describes an inconsistency that a check found.

use serde::{Deserialize, Serialize};

/// An inconsistency, and whether it is repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its kind, for programs.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
    /// Whether it is repaired.
    #[serde(rename = "mended")]
    pub repaired: bool,
}

impl Finding {
    /// A finding that is not repaired.
    pub fn new(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), subject: subject.into(), message: message.into(), repaired: false }
    }

    /// The same finding, repaired or not.
    #[must_use]
    pub fn repaired(self, repaired: bool) -> Self {
        Self { repaired, ..self }
    }
}
