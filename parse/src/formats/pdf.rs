//! Parses PDF: the text of each page, with headings, lists and tables recognized by their layout.
//!
//! Images are not parsed: a scan without a text layer is refused, and so is a document with a password.

use std::ops::ControlFlow;

use unpdf::render::{BlockRenderer, RenderOptions};
use unpdf::{Block, ErrorKind, PageStreamOptions, ParseEvent, PdfParser};

use crate::error::ParseError;
use crate::formats::pages::Pages;
use crate::parsed::Parsed;

/// Parses a PDF page by page, so that only the bytes and the text of a long one are in memory as a whole.
///
/// # Errors
/// `Protected`, `NoTextLayer`, `Failed`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let options = PageStreamOptions { parallel: false, ..PageStreamOptions::default() };
    let renderer = BlockRenderer::new(RenderOptions::new());
    let mut pages = Pages::default();
    let mut title = None;
    PdfParser::from_bytes(bytes)
        .and_then(|parser| {
            parser.for_each_page(options, |event| {
                match event {
                    ParseEvent::DocumentStart { metadata, .. } => title = metadata.title,
                    ParseEvent::PageParsed(page) => {
                        pages.push(page.number, render(&renderer, &page.elements));
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            })
        })
        .map_err(|error| refusal(&error))?;
    let parsed = pages.without_running_lines().join();
    if parsed.markdown.trim().is_empty() {
        // Almost always a scan; a PDF of blank pages is rare.
        return Err(ParseError::NoTextLayer);
    }
    Ok(Parsed { title: parsed.title.or(title), ..parsed })
}

fn render(renderer: &BlockRenderer, blocks: &[Block]) -> String {
    let previous = [None].into_iter().chain(blocks.iter().map(Some));
    previous.zip(blocks).map(|(previous, block)| renderer.render_block_after(previous, block)).collect()
}

fn refusal(error: &unpdf::Error) -> ParseError {
    match error.kind() {
        ErrorKind::Encrypted | ErrorKind::InvalidPassword => ParseError::Protected,
        _ => ParseError::failed(error),
    }
}
