//! The seam of formats: bytes in, Markdown with headings and pages out. A format is one module here and one
//! arm in [`parse`]; nothing behind this seam knows where a document came from.

mod edits;
mod embedded_html;
mod html;
pub(crate) mod markdown;
mod text;

use domain::PageStart;

use crate::IngestError;
use crate::normalize::normalize_pages;
use crate::sniff::{MediaType, sniff};

/// What a document says, whatever it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// Its first heading, or what its format calls the title.
    pub(crate) title: Option<String>,
    /// Its text as Markdown: no markup of other kinds, nothing hidden.
    pub(crate) markdown: String,
    /// Where pages begin in `markdown`; empty for formats without pages.
    pub(crate) page_starts: Vec<PageStart>,
}

/// Reads a document; `source` serves as a hint of its format.
///
/// # Errors
/// `Empty`, `UnsupportedType`, `BadEncoding`, `ParserFailed`.
pub(crate) fn parse(bytes: &[u8], source: &str) -> Result<Parsed, IngestError> {
    let (media_type, text) = sniff(bytes, source)?;
    let parsed = match media_type {
        MediaType::Markdown => markdown::parse(&text),
        MediaType::Html => html::parse(&text)?,
        MediaType::PlainText => text::parse(&text),
    };
    let (markdown, page_starts) = normalize_pages(&parsed.markdown, &parsed.page_starts);
    if markdown.trim().is_empty() {
        return Err(IngestError::Empty);
    }
    let title =
        parsed.title.map(|title| crate::normalize::normalize(&title)).filter(|title| !title.is_empty());
    Ok(Parsed { title, markdown, page_starts })
}
