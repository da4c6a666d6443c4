//! The seam of formats: bytes in, Markdown with headings and pages out. A format is one module here and one
//! arm in [`parse`]; nothing behind this seam knows where a document came from.

mod edits;
pub(crate) mod email;
mod embedded_html;
mod epub;
mod error;
pub(crate) mod html;
pub(crate) mod hwp;
mod hwpx;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod office;
mod opendocument;
mod package;
mod pages;
mod pdf;
mod table;
mod text;

use domain::PageStart;
use serde::{Deserialize, Serialize};

use crate::normalize::{normalize, normalize_pages};
use crate::sniff::{Content, sniff};

pub use error::ParseError;

/// What a document says, whatever it was written in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parsed {
    /// Its first heading, or what its format calls the title.
    pub title: Option<String>,
    /// Its text as Markdown: no markup of other kinds, nothing hidden.
    pub markdown: String,
    /// Where pages begin in `markdown`; empty for formats without pages.
    pub page_starts: Vec<PageStart>,
}

/// Reads a document; `source` serves as a hint of its format.
///
/// # Errors
/// Any [`ParseError`].
pub(crate) fn parse(bytes: &[u8], source: &str) -> Result<Parsed, ParseError> {
    parse_content(sniff(bytes, source)?, bytes)
}

/// The same of `bytes` that were told to be `content`.
pub(crate) fn parse_content(content: Content, bytes: &[u8]) -> Result<Parsed, ParseError> {
    finish(match content {
        Content::Markdown(text) => markdown::parse(&text),
        Content::Html(text) => html::parse(&text)?,
        Content::PlainText(text) => text::parse(&text),
        Content::Table(text) => table::parse(&text)?,
        Content::Json(text) => json::parse(&text),
        Content::Pdf => pdf::parse(bytes)?,
        Content::Email => email::parse(bytes)?,
        Content::Office => office::parse(bytes)?,
        Content::OpenDocument => opendocument::parse(bytes)?,
        Content::Epub => epub::parse(bytes)?,
        Content::Hwp => hwp::parse(bytes)?,
        Content::Hwpx => hwp::parse_hwpx(bytes)?,
    })
}

/// One form for the texts of all formats.
fn finish(parsed: Parsed) -> Result<Parsed, ParseError> {
    let (markdown, page_starts) = normalize_pages(&parsed.markdown, &parsed.page_starts);
    // A table of empty cells is as empty.
    if !markdown.contains(char::is_alphanumeric) {
        return Err(ParseError::Empty);
    }
    let title = parsed.title.map(|title| normalize(&title)).filter(|title| !title.trim().is_empty());
    Ok(Parsed { title, markdown, page_starts })
}
