//! Parses Microsoft Office documents: DOCX, XLSX, PPTX, and the older DOC, XLS, PPT.
//!
//! A slide is a page, a sheet a section under its name. What readers of the document do not see is left out: hidden
//! sheets, speaker notes, comments and deleted text of tracked changes. So are page headers and footers.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;

use calamine::{Reader, SheetVisible, open_workbook_auto_from_rs};
use undoc::render::{RenderOptions, render_section_to_string, to_markdown};
use undoc::{Document, ErrorKind, FormatType};

use crate::error::ParseError;
use crate::formats::markdown::{clean, headings};
use crate::formats::pages::Pages;
use crate::formats::table::Rows;
use crate::parsed::Parsed;

/// Whether an OLE container holds a Microsoft Office document.
pub(crate) fn is_office(container: &[u8]) -> bool {
    undoc::detect_format_from_bytes(container).is_ok()
}

/// Parses a document.
///
/// # Errors
/// `Protected`, `Failed`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let mut document = undoc::parse_bytes(bytes).map_err(|error| refusal(&error))?;
    let options = RenderOptions { include_images: false, ..RenderOptions::default() };
    let title = document.metadata.title.take();
    let parsed = match document.format {
        FormatType::Ppt | FormatType::Pptx => slides(document, &options),
        FormatType::Xls | FormatType::Xlsx => {
            let hidden = hidden_sheets(bytes)?;
            document.sections.retain(|sheet| sheet.name.as_ref().is_none_or(|name| !hidden.contains(name)));
            clean::parse(&to_markdown(&document, &options).map_err(|error| refusal(&error))?)
        }
        FormatType::Doc | FormatType::Docx => {
            clean::parse(&to_markdown(&document, &options).map_err(|error| refusal(&error))?)
        }
    };
    Ok(headings::with_title(parsed, title))
}

/// Parses a workbook of a format that undoc does not support, sheet by sheet.
///
/// # Errors
/// `Failed`.
pub(crate) fn workbook(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let mut workbook =
        open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| ParseError::failed(&error))?;
    let mut markdown = String::new();
    for sheet in workbook.sheets_metadata().to_owned() {
        if sheet.visible != SheetVisible::Visible {
            continue;
        }
        let cells = workbook.worksheet_range(&sheet.name).map_err(|error| ParseError::failed(&error))?;
        let mut rows = Rows::default();
        for row in cells.rows() {
            rows.push(row.iter().map(ToString::to_string));
        }
        markdown.push_str(&format!("## {}\n\n{}\n", sheet.name, rows.into_markdown()));
    }
    Ok(clean::parse(&markdown))
}

fn slides(document: Document, options: &RenderOptions) -> Parsed {
    let mut pages = Pages::default();
    for (index, mut slide) in document.sections.into_iter().enumerate() {
        // The name of a slide is only "Slide" and its number.
        (slide.name, slide.notes) = (None, None);
        let text = render_section_to_string(&slide, index, document.format, options, &HashMap::new());
        pages.push(index as u32 + 1, text);
    }
    pages.join()
}

/// The names of hidden sheets, which undoc does not report. A workbook whose hidden sheets are unknown is refused.
fn hidden_sheets(workbook: &[u8]) -> Result<HashSet<String>, ParseError> {
    let workbook =
        open_workbook_auto_from_rs(Cursor::new(workbook)).map_err(|error| ParseError::failed(&error))?;
    let sheets = workbook.sheets_metadata().iter();
    Ok(sheets
        .filter(|sheet| sheet.visible != SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect())
}

fn refusal(error: &undoc::Error) -> ParseError {
    match error.kind() {
        ErrorKind::Encrypted => ParseError::Protected,
        _ => ParseError::failed(error),
    }
}
