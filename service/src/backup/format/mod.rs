//! The archive of a backup: a tar file, compressed as one zstd frame that carries a checksum. The only place that knows
//! those two crates.
//!
//! ```text
//! manifest.json          what this is
//! sql/TABLE/NNNNNN.jsonl rows of a table, one JSON object a line; tables that others refer to come first
//! originals/HASH         source bytes, named by their SHA-256
//! vectors/NNNNNN.jsonl   points of live versions, one JSON object a line; those of one version follow each other
//! end.json               how much of each there is: an archive without it was cut off
//! ```
//!
//! An archive may come from anywhere, so a reader takes nothing in it at its word: a name is looked up and never used
//! as a path, whatever is read has a bound, and nothing is done with an archive before all of it was checked.

mod read;
mod write;

use std::collections::BTreeMap;
use std::io;

use domain::EmbeddingSpace;
use ingest::is_hash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use read::{check, for_each_entry};
pub use write::ArchiveWriter;

/// Layout of an archive. A reader knows this one and those before it.
pub const FORMAT: u32 = 1;

/// Bytes from which rows or points go into an entry of their own. Bounds what writing and reading keep in memory.
pub const ENTRY_BYTES: usize = 4 << 20;

/// Most bytes of one entry: a row is never divided, and the text of a version may be long.
pub const MOST_ENTRY_BYTES: u64 = 1 << 30;

const MANIFEST: &str = "manifest.json";
const END: &str = "end.json";

/// What an archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The version of the program that wrote it.
    pub daedap: String,
    /// The schema of its rows.
    pub schema: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// The index that its points are of; none where there was none.
    pub index: Option<ArchivedIndex>,
}

/// An index whose points are in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedIndex {
    /// What its embedder is asked for by.
    pub embedder: String,
    /// Where its vectors mean something.
    pub space: EmbeddingSpace,
}

/// How much is in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Originals.
    pub originals: u64,
    /// Points.
    pub points: u64,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Rows of a table.
    Rows(&'static str),
    /// The original with this SHA-256, lower-case hexadecimal.
    Original(String),
    /// Points.
    Points,
}

/// Why an archive is not what it should be, or cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is something else.
    #[error("this is no backup of daedap")]
    Foreign,
    /// A later version wrote it.
    #[error(
        "the backup has the format {0}, and this daedap reads formats up to {FORMAT}; install a newer one"
    )]
    Newer(u32),
    /// It was cut off, or changed since it was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// Something is too large to be read again.
    #[error("{0} is too large for a backup")]
    TooLarge(String),
    /// The disk or whoever reads the stream.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Part {
    /// The name of the entry number `number`.
    fn name(&self, number: u64) -> String {
        match self {
            Self::Rows(table) => format!("sql/{table}/{number:06}.jsonl"),
            Self::Original(hash) => format!("originals/{hash}"),
            Self::Points => format!("vectors/{number:06}.jsonl"),
        }
    }

    /// What an entry of that name holds, if it is one of ours.
    fn of(name: &str) -> Option<Self> {
        let (folder, rest) = name.split_once('/')?;
        match (folder, rest.split_once('/')) {
            ("sql", Some((table, file))) if is_numbered(file) => {
                db::copied_tables().find(|known| *known == table).map(Self::Rows)
            }
            ("originals", None) if is_hash(rest) => Some(Self::Original(rest.to_owned())),
            ("vectors", None) if is_numbered(rest) => Some(Self::Points),
            _ => None,
        }
    }

    /// Parts come in this order.
    fn rank(&self) -> u8 {
        match self {
            Self::Rows(_) => 0,
            Self::Original(_) => 1,
            Self::Points => 2,
        }
    }
}

fn is_numbered(file: &str) -> bool {
    file.strip_suffix(".jsonl").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_an_entry_holds_and_another_name_says_nothing() {
        let hash = "0a".repeat(32);
        for part in [Part::Rows("versions"), Part::Original(hash.clone()), Part::Points] {
            assert_eq!(Part::of(&part.name(7)), Some(part));
        }
        for name in [
            "sql/passwords/000001.jsonl",
            "sql/versions/../../x.jsonl",
            "/sql/versions/000001.jsonl",
            "originals/../../etc/passwd",
            "originals/0A",
            "vectors/space.json",
            "manifest.json",
            "",
        ] {
            assert_eq!(Part::of(name), None, "{name}");
        }
        assert_eq!(Part::of(&format!("originals/{}", hash.to_uppercase())), None);
    }
}
