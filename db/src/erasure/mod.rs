//! Deletes what is stored of documents: marks them, deletes their texts, and releases their originals.
//!
//! A deletion is marked in one transaction (`erasures.rs`), and from then on it is never undone. Everything after that can
//! be repeated, so whatever a crash interrupts, the next attempt completes:
//!
//! ```text
//! row of the erasure
//!   -> texts, titles, hashes of all versions; passages, citations and quotes in answers; copies in evaluation sets;
//!      messages of jobs; web pages                                             erase_rows.rs, quotes.rs
//!   -> points of the versions, then their rows                                 erased_versions.rs
//!   -> originals that nothing else refers to                                   released_originals.rs
//!   -> freed pages and the log of the database file                            reclaim.rs
//!   -> done
//! ```
//!
//! What stays is the document's id and the name of its source.

pub(crate) mod erase_rows;
mod erased_versions;
pub(crate) mod erasures;
pub(crate) mod quotes;
mod reclaim;
mod released_originals;
mod traces;

pub use erasures::{Erasure, Tombstone};
pub use released_originals::UnreferencedOriginal;
pub use traces::Trace;
