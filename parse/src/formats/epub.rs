//! Parses EPUB books: their chapters in reading order.
//!
//! A chapter is an XHTML page, converted whole: a book has no menus around its text. The table of contents is left out,
//! because it repeats every heading. There are no page starts: the pages of a book depend on the reader's screen.

use std::io::Cursor;

use rbook::Epub;

use crate::error::ParseError;
use crate::formats::html::to_markdown::whole_page_to_markdown;
use crate::formats::markdown::clean;
use crate::parsed::Parsed;

/// Files that a protected book contains. `encryption.xml` is not one: free books scramble their fonts, too.
const LOCKS: &[&str] = &["/META-INF/rights.xml", "/META-INF/license.lcpl"];

/// Parses a book.
///
/// # Errors
/// `Protected`, `Failed`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
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
        chapters.push(whole_page_to_markdown(chapter.content())?);
    }
    let mut parsed = clean::parse(&chapters.join("\n\n"));
    // The title of the book; the first heading is that of its first chapter.
    if let Some(title) = book.metadata().title() {
        parsed.title = Some(title.value().to_owned());
    }
    Ok(parsed)
}
