//! Parses HWP 5 and HWPX, the formats of Korean offices.
//!
//! The placeholders that unhwp writes for pictures and for unsupported equations are removed.

use memchr::memmem;
use unhwp::{Document, ErrorKind, RenderOptions};

use crate::error::ParseError;
use crate::formats::hwpx;
use crate::formats::markdown::{clean, headings};
use crate::parsed::Parsed;

/// The signature in the header of an HWP 5 document, whose stream is never compressed.
const SIGNATURE: &[u8] = b"HWP Document File";

/// What unhwp writes for a picture without a description. In a text it would be escaped.
const PICTURE: &str = "![image](";

/// What unhwp writes for an equation that it does not support.
const UNSUPPORTED_EQUATION: &str = "[unhwp:equation-unsupported]";

/// Whether an OLE container holds an HWP document.
pub(crate) fn is_hwp(container: &[u8]) -> bool {
    memmem::find(container, SIGNATURE).is_some()
}

/// Parses an HWP 5 document.
///
/// # Errors
/// `Protected`, `Failed`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let document = unhwp::parse_bytes(bytes).map_err(|error| refusal(&error))?;
    // A distribution copy is encrypted; its readable part only says that a newer program is needed.
    if document.metadata.is_distribution {
        return Err(ParseError::Protected);
    }
    render(document)
}

/// Parses an HWPX document.
///
/// # Errors
/// `Protected`, `TooCostly`, `Failed`.
pub(crate) fn parse_hwpx(bytes: &[u8]) -> Result<Parsed, ParseError> {
    render(unhwp::parse_bytes(&hwpx::flatten(bytes)?).map_err(|error| refusal(&error))?)
}

fn render(document: Document) -> Result<Parsed, ParseError> {
    let text = unhwp::render::render_markdown(&document, &RenderOptions::default())
        .map_err(|error| refusal(&error))?;
    let text = text.replace(PICTURE, "![](").replace(UNSUPPORTED_EQUATION, "");
    Ok(headings::with_title(clean::parse(&text), document.metadata.title))
}

fn refusal(error: &unhwp::Error) -> ParseError {
    match error.kind() {
        ErrorKind::Encrypted | ErrorKind::DistributionRestricted => ParseError::Protected,
        _ => ParseError::failed(error),
    }
}
