//! Parses documents: bytes in, Markdown with headings and page starts out.
//!
//! ```text
//! bytes --> detect --> formats/* --> normalize --> `Parsed`
//!           `-- in this process, or in one of its own (`Sandboxed`) --'
//! ```
//!
//! Sees neither database nor network. Where a document comes from and what its text is used for is unknown here; its
//! name only helps to tell Markdown, tables and plain text apart.

mod charset;
mod detect;
mod dispatch;
mod error;
mod formats;
mod limits;
mod normalize;
mod parsed;
mod sandbox;
mod zip;

pub use crate::detect::{Content, detect};
pub use crate::dispatch::parse;
pub use crate::error::ParseError;
pub use crate::formats::html::recognize::html_source;
pub use crate::formats::markdown::links::link_targets;
pub use crate::formats::markdown::outline::outline;
pub use crate::formats::markdown::outline_builder::{HeadingPath, Leaf, LeafKind};
pub use crate::limits::MAX_DOCUMENT_BYTES;
pub use crate::normalize::normalize;
pub use crate::parsed::Parsed;
pub use crate::sandbox::{DocumentParser, InProcess, PARSE_COMMAND, Sandboxed, run_child};
pub use crate::zip::{Archive, ArchiveError, ArchiveFile, FoundMember, Member};
