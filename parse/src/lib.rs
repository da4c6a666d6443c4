//! Parses documents: bytes in, Markdown with headings and page starts out.
//!
//! ```text
//! bytes --> detect --> formats/* --> normalize --> `Parsed` (Markdown, title, page starts)
//!           `---------------- in a child (`Sandboxed`) -----------------'
//! ```
//!
//! Uses no database and no network, and does not know where a document comes from or what its text is for: its name is
//! only a hint that distinguishes Markdown, tables and plain text.

mod charset;
mod detect;
mod dispatch;
mod error;
mod formats;
mod limits;
mod normalize;
mod parsed;
mod parser;
mod sandbox;
mod web;
mod zip;
mod zip_directory;

pub use crate::detect::{Content, detect};
pub use crate::dispatch::parse;
pub use crate::error::ParseError;
pub use crate::formats::markdown::outline::outline;
pub use crate::formats::markdown::outline_builder::{HeadingPath, Leaf, LeafKind};
pub use crate::limits::MAX_DOCUMENT_BYTES;
pub use crate::normalize::normalize;
pub use crate::parsed::Parsed;
pub use crate::parser::{DocumentParser, InProcess};
pub use crate::sandbox::parser_process::PARSE_COMMAND;
pub use crate::sandbox::sandboxed::{SandboxOptions, Sandboxed};
pub use crate::sandbox::self_test::Attempt;
pub use crate::sandbox::serve::run_child;
pub use crate::zip::{Archive, ArchiveError, ArchiveFile, FoundMember, ListedFile, Member, OpenFile};
