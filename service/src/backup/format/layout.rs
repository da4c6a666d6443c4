//! Names and bounds of what is in a backup file.

use std::collections::BTreeMap;
use std::io;

use domain::EmbeddingSpace;
use ingest::is_hash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Version of the layout. A reader knows this one and earlier ones.
pub const FORMAT: u32 = 1;

/// Size in bytes from which rows or points start a new entry. Bounds what writing and reading hold in memory.
pub const ENTRY_BYTES: usize = 4 << 20;

/// Maximum size of one entry in bytes: a row is never split, and the text of a version may be long.
pub(super) const MAX_ENTRY_BYTES: u64 = 1 << 30;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const END: &str = "end.json";

/// What the file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The version of daedap that wrote it.
    pub daedap: String,
    /// The schema of its rows.
    pub schema: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// The index that the points are of, if there was one.
    pub index: Option<ArchivedIndex>,
}

/// An index whose points are in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedIndex {
    /// The name of its embedder.
    pub embedder: String,
    /// The space of its vectors.
    pub space: EmbeddingSpace,
}

/// How much the file holds.
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

/// Why a backup file is refused, or cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is another kind of file.
    #[error("not a daedap backup")]
    Foreign,
    /// A later release wrote it.
    #[error("the backup has format {0}; this daedap reads formats up to {FORMAT}; install a newer release")]
    Newer(u32),
    /// It was cut off, or changed after it was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// An entry is too large to be read again.
    #[error("{0} is too large for a backup")]
    TooLarge(String),
    /// The disk fails, or the reader of the stream is gone.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Part {
    /// The name of entry `number`.
    pub(super) fn name(&self, number: u64) -> String {
        match self {
            Self::Rows(table) => format!("sql/{table}/{number:06}.jsonl"),
            Self::Original(hash) => format!("originals/{hash}"),
            Self::Points => format!("vectors/{number:06}.jsonl"),
        }
    }

    /// What an entry of that name holds, if the name is known.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (folder, rest) = name.split_once('/')?;
        match (folder, rest.split_once('/')) {
            ("sql", Some((table, file))) if is_numbered(file) => {
                db::backup_tables().find(|known| *known == table).map(Self::Rows)
            }
            ("originals", None) if is_hash(rest) => Some(Self::Original(rest.to_owned())),
            ("vectors", None) if is_numbered(rest) => Some(Self::Points),
            _ => None,
        }
    }

    /// Parts come in this order.
    pub(super) fn rank(&self) -> u8 {
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
