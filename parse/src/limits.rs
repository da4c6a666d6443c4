//! Bounds what one document may cost.

use std::time::Duration;

/// Maximum size of a document, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Maximum time for one document. A PDF of 6,000 pages took 115 seconds on a busy core.
pub(crate) const PARSE_TIMEOUT: Duration = Duration::from_secs(300);

/// Maximum time for the links of one page, or one sitemap.
pub(crate) const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum address space of a process that parses: the document's bytes, what a parser makes of them, and the program itself.
#[cfg(target_os = "linux")]
pub(crate) const MAX_PROCESS_BYTES: usize = 1024 * 1024 * 1024;

/// A process that parses is replaced when its requests took this long altogether. Its limit of processor time is above that.
pub(crate) const MAX_BUSY: Duration = Duration::from_secs(600);
