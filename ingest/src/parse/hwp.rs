//! HWP 5 and HWPX, the formats of Korean offices.

use memchr::memmem;
use unhwp::{ErrorKind, RenderOptions};

use super::{ParseError, Parsed, markdown};

/// Stands in the stream that begins an HWP 5 document, which is never compressed.
const SIGNATURE: &[u8] = b"HWP Document File";

/// Whether an OLE container holds an HWP document.
pub(crate) fn is_hwp(container: &[u8]) -> bool {
    memmem::find(container, SIGNATURE).is_some()
}

/// Reads a document.
///
/// # Errors
/// `Protected`, `Failed`.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let document = unhwp::parse_bytes(bytes).map_err(|error| refusal(&error))?;
    let text = unhwp::render::render_markdown(&document, &RenderOptions::default())
        .map_err(|error| refusal(&error))?;
    Ok(markdown::with_title(markdown::parse(&text), document.metadata.title))
}

fn refusal(error: &unhwp::Error) -> ParseError {
    match error.kind() {
        ErrorKind::Encrypted | ErrorKind::DistributionRestricted => ParseError::Protected,
        _ => ParseError::failed(error),
    }
}
