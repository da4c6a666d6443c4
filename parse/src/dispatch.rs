//! Parses a document: detects its format, calls that format's parser, and normalizes the result.

use crate::detect::{Content, detect};
use crate::error::ParseError;
use crate::formats::{email, epub, html, hwp, json, markdown, office, opendocument, pdf, table, text};
use crate::normalize::{normalize, normalize_pages};
use crate::parsed::Parsed;

/// Parses a document; `source` is a hint of its format.
///
/// # Errors
/// Any [`ParseError`].
pub fn parse(bytes: &[u8], source: &str) -> Result<Parsed, ParseError> {
    normalized(match detect(bytes, source)? {
        Content::Markdown(text) => markdown::clean::parse(&text),
        Content::Html(text) => html::page::parse(&text)?,
        Content::PlainText(text) => text::parse(&text),
        Content::Table(text) => table::parse(&text)?,
        Content::Json(text) => json::parse(&text),
        Content::Pdf => pdf::parse(bytes)?,
        Content::Email => email::parse(bytes)?,
        Content::Office => office::parse(bytes)?,
        Content::OpenDocument => opendocument::document::parse(bytes)?,
        Content::Epub => epub::parse(bytes)?,
        Content::Hwp => hwp::parse(bytes)?,
        Content::Hwpx => hwp::parse_hwpx(bytes)?,
    })
}

/// Gives the texts of all formats one form, and refuses a document without text.
fn normalized(parsed: Parsed) -> Result<Parsed, ParseError> {
    let (markdown, page_starts) = normalize_pages(&parsed.markdown, &parsed.page_starts);
    // A table whose cells are all empty has no text either.
    if !markdown.contains(char::is_alphanumeric) {
        return Err(ParseError::Empty);
    }
    let title = parsed.title.map(|title| normalize(&title)).filter(|title| !title.trim().is_empty());
    Ok(Parsed { title, markdown, page_starts })
}
