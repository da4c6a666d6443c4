//! HWP 5 and HWPX, the formats of Korean offices.
//!
//! What unhwp writes where a document has no words of its own (pictures, equations it cannot read) is left out.

use memchr::memmem;
use unhwp::{Document, ErrorKind, RenderOptions};

use super::{ParseError, Parsed, hwpx, markdown};

/// Stands in the stream that begins an HWP 5 document, which is never compressed.
const SIGNATURE: &[u8] = b"HWP Document File";

/// Begins a picture that nobody has described. The same words in a text are escaped.
const PICTURE: &str = "![image](";

/// Stands for an equation.
const UNREAD_EQUATION: &str = "[unhwp:equation-unsupported]";

/// Whether an OLE container holds an HWP document.
pub(crate) fn is_hwp(container: &[u8]) -> bool {
    memmem::find(container, SIGNATURE).is_some()
}

/// Reads an HWP 5 document.
///
/// # Errors
/// `Protected`, `Failed`.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let document = unhwp::parse_bytes(bytes).map_err(|error| refusal(&error))?;
    // A copy made to be handed out is encrypted; what can be read of it says that a newer program is needed.
    if document.metadata.is_distribution {
        return Err(ParseError::Protected);
    }
    render(document)
}

/// Reads an HWPX document.
///
/// # Errors
/// `Protected`, `TooCostly`, `Failed`.
pub(super) fn parse_hwpx(bytes: &[u8]) -> Result<Parsed, ParseError> {
    render(unhwp::parse_bytes(&hwpx::untangle(bytes)?).map_err(|error| refusal(&error))?)
}

fn render(document: Document) -> Result<Parsed, ParseError> {
    let text = unhwp::render::render_markdown(&document, &RenderOptions::default())
        .map_err(|error| refusal(&error))?;
    let text = text.replace(PICTURE, "![](").replace(UNREAD_EQUATION, "");
    Ok(markdown::with_title(markdown::parse(&text), document.metadata.title))
}

fn refusal(error: &unhwp::Error) -> ParseError {
    match error.kind() {
        ErrorKind::Encrypted | ErrorKind::DistributionRestricted => ParseError::Protected,
        _ => ParseError::failed(error),
    }
}
