//! Parses OpenDocument texts (ODT) and presentations (ODP). Spreadsheets (ODS) are parsed with all workbooks in `office.rs`.
//!
//! `content.xml` is translated to HTML, which is then converted to Markdown. Elements are matched by the namespace prefixes
//! of the standard, which every office program writes. What readers of the document do not see is left out: deleted text,
//! comments, speaker notes, hidden text. So is the table of contents, which repeats every heading.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::error::ParseError;
use crate::formats::html::page;
use crate::formats::html::to_markdown::fragment_to_markdown;
use crate::formats::markdown::headings;
use crate::formats::office;
use crate::formats::opendocument::to_html::translate;
use crate::formats::opendocument::xml::characters;
use crate::formats::package::{self, next, part};
use crate::formats::pages::Pages;
use crate::parsed::Parsed;

/// Parses a document.
///
/// # Errors
/// `Protected`, `TooCostly` for a part of more than 128 MiB, `Failed`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let mut package = package::open(bytes)?;
    let kind = part(&mut package, "mimetype")?.unwrap_or_default();
    if kind.contains("spreadsheet") {
        return office::workbook(bytes);
    }
    let content = part(&mut package, "content.xml")?
        .ok_or_else(|| ParseError::Failed("it has no content.xml".to_owned()))?;
    let title = match part(&mut package, "meta.xml")? {
        Some(meta) => text_of(&meta, "dc:title")?,
        None => None,
    };
    let mut pages = translate(&content)?;
    let parsed = match pages.len() {
        1 => page::parse(&format!("<main>{}</main>", pages.remove(0)))?,
        _ => slides(pages),
    };
    Ok(headings::with_title(parsed, title))
}

fn slides(slides: Vec<String>) -> Parsed {
    let mut pages = Pages::default();
    // The first part is what comes before the first slide.
    for (number, slide) in (1..).zip(slides.into_iter().skip(1)) {
        pages.push(number, fragment_to_markdown(&slide));
    }
    pages.join()
}

/// The text of the first element with that name.
fn text_of(xml: &str, element: &str) -> Result<Option<String>, ParseError> {
    let mut reader = Reader::from_str(xml);
    let mut inside = false;
    let mut text = String::new();
    loop {
        match next(&mut reader)? {
            Event::Start(start) if start.name().as_ref() == element => inside = true,
            Event::End(end) if end.name().as_ref() == element => return Ok(Some(text)),
            Event::Eof => return Ok(None),
            event if inside => text.extend(characters(&event)),
            _ => {}
        }
    }
}
