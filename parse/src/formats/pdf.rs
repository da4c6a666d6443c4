//! PDF: the text of each page, with what its layout says of headings, lists and tables.
//!
//! Pictures are not read. A scan without a text layer is refused as such, and so is a document that wants a password.

use std::ops::ControlFlow;

use unpdf::render::{BlockRenderer, RenderOptions};
use unpdf::{Block, ErrorKind, PageStreamOptions, ParseEvent, PdfParser};

use super::pages::Pages;
use super::{ParseError, Parsed};

/// Reads a PDF, page by page: a long one is never in memory as a whole, except its bytes and its text.
///
/// # Errors
/// `Protected`, `NoTextLayer`, `Failed`.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
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
    let parsed = pages.without_edges().join();
    if parsed.markdown.trim().is_empty() {
        // Nothing is drawn on it that is text; a page with nothing at all is rare and no better for its owner.
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
