//! The backup file: a tar archive in one zstd frame that carries a checksum. Only this folder knows those two crates.
//!
//! ```text
//! manifest.json          what this is
//! sql/TABLE/NNNNNN.jsonl rows of a table, one JSON object a line; tables that others refer to come first
//! originals/HASH         source bytes, named by their SHA-256
//! vectors/NNNNNN.jsonl   points of live versions, one JSON object a line; those of one version follow each other
//! end.json               how much of each there is: a file without it was cut off
//! ```
//!
//! A backup may come from anywhere, so a reader trusts nothing in it: a name is looked up and never used as a path,
//! whatever is read has a bound, and nothing is done with a backup before all of it was checked.

mod layout;
mod read;
mod write;

pub use layout::{Amounts, ArchiveError, ArchivedIndex, ENTRY_BYTES, FORMAT, Manifest, Part};
pub use read::{check, for_each_entry};
pub use write::ArchiveWriter;
