//! Limits the size of documents.

use parse::MAX_DOCUMENT_BYTES;

use crate::error::IngestError;

/// Checks that a document of `bytes` may be ingested.
///
/// # Errors
/// `TooLarge` for more than [`MAX_DOCUMENT_BYTES`].
pub(crate) fn check_size(bytes: u64) -> Result<(), IngestError> {
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(IngestError::TooLarge { bytes, max_bytes: MAX_DOCUMENT_BYTES });
    }
    Ok(())
}
