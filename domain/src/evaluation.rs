//! Questions with what is known of their answers, to measure with.

use serde::{Deserialize, Serialize};

/// A question, and where its answer stands. The one shape of it: in files (JSON Lines), in SQL and over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalQuestion {
    /// What is asked.
    pub question: String,
    /// The questions of the same conversation before it, oldest first.
    #[serde(default)]
    pub history: Vec<String>,
    /// Sources of the documents that hold the answer, as [`is_source`] matches them. Empty: no document holds it.
    #[serde(default)]
    pub expected: Vec<String>,
    /// A right answer, to compare with.
    #[serde(default)]
    pub answer: Option<String>,
}

/// Whether the document at `source` is the one that `expected` means: the same source, or the end of its path.
pub fn is_source(source: &str, expected: &str) -> bool {
    source.strip_suffix(expected).is_some_and(|above| above.is_empty() || above.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_meant_whole_or_by_the_end_of_its_path() {
        assert!(is_source("/srv/handbook/휴가.md", "/srv/handbook/휴가.md"));
        assert!(is_source("/srv/handbook/휴가.md", "휴가.md"));
        assert!(is_source("/srv/handbook/휴가.md", "handbook/휴가.md"));
        assert!(!is_source("/srv/handbook/annual-leave.md", "leave.md"));
        assert!(!is_source("leave.md", "handbook/leave.md"));
    }
}
