//! EPUB books: their chapters in reading order.
//!
//! A chapter is an XHTML page and goes the way of HTML, but whole: a book has no menu around its text. The table of
//! contents says every heading a second time and is left out. A book has no pages; its reader's screen makes them.

use std::io::Cursor;

use rbook::Epub;

use super::{ParseError, Parsed, html, markdown};

/// Files that say how a book is locked. Fonts are scrambled in free books, too, so `encryption.xml` alone says nothing.
const LOCKS: &[&str] = &["/META-INF/rights.xml", "/META-INF/license.lcpl"];

/// Reads a book.
///
/// # Errors
/// `Protected`, `Failed`.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let book = Epub::options()
        .skip_toc(true)
        .read(Cursor::new(bytes.to_vec()))
        .map_err(|error| ParseError::failed(&error))?;
    if LOCKS.iter().any(|lock| book.contains_resource(*lock)) {
        return Err(ParseError::Protected);
    }
    let mut chapters = Vec::new();
    for chapter in book.reader() {
        let chapter = chapter.map_err(|error| ParseError::failed(&error))?;
        if chapter.manifest_entry().properties().has_property("nav") {
            continue;
        }
        chapters.push(html::whole_page_to_markdown(chapter.content())?);
    }
    let mut parsed = markdown::parse(&chapters.join("\n\n"));
    // The book's own name; the first heading is only its first chapter's.
    if let Some(title) = book.metadata().title() {
        parsed.title = Some(title.value().to_owned());
    }
    Ok(parsed)
}
