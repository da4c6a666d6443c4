//! Defines the result of parsing.

use domain::PageStart;
use serde::{Deserialize, Serialize};

/// The text of a document, whatever its format was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parsed {
    /// Its first heading, or the title from its metadata.
    pub title: Option<String>,
    /// Its text as Markdown, without other markup and without hidden text.
    pub markdown: String,
    /// Where pages begin in `markdown`; empty for formats without pages.
    pub page_starts: Vec<PageStart>,
}
