//! Keeps the ids of deleted documents outside of the database, so that a database that is restored from an older backup
//! learns of them.
//!
//! A line is one JSON object: a tenant, a document, a time. Lines are only ever appended, and are on disk before a deletion
//! is acknowledged. A line that a crash cut off is skipped: its deletion was not acknowledged, and the database repeats it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use db::{Database, Tombstone};
use domain::{DocumentId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::blocking::run_blocking;
use crate::error::IngestError;

/// The file of deleted documents in a data directory.
#[derive(Debug, Clone)]
pub struct TombstoneFile {
    path: Arc<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    workspace: WorkspaceId,
    document: DocumentId,
    erased_at: Timestamp,
}

impl TombstoneFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path: Arc::new(path) }
    }

    /// Makes the file and the database agree: deletes the documents that only the file knows to be deleted, and adds those
    /// that only the database knows. Returns how many were deleted.
    ///
    /// # Errors
    /// `Database` and `Tombstones`.
    pub async fn replay(&self, db: &Database) -> Result<u64, IngestError> {
        let file = self.clone();
        let kept = run_blocking(move || file.read().map_err(IngestError::Tombstones)).await?;
        let newest = newest(&kept);
        let replayed = db.replay_tombstones(&newest.values().copied().collect::<Vec<_>>()).await?;
        let mut missing = db.tombstones().await?;
        missing
            .retain(|known| newest.get(&known.document).is_none_or(|kept| kept.erased_at < known.erased_at));
        self.append(missing).await?;
        Ok(replayed)
    }

    /// Adds tombstones. When this returns, they are on disk.
    ///
    /// # Errors
    /// `Tombstones`.
    pub(crate) async fn append(&self, tombstones: Vec<Tombstone>) -> Result<(), IngestError> {
        if tombstones.is_empty() {
            return Ok(());
        }
        let file = self.clone();
        run_blocking(move || file.write(&tombstones).map_err(IngestError::Tombstones)).await
    }

    fn read(&self) -> io::Result<Vec<Tombstone>> {
        let text = match std::fs::read(self.path.as_ref()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut tombstones = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match serde_json::from_str(line) {
                Ok(Line { workspace, document, erased_at }) => {
                    tombstones.push(Tombstone { workspace, document, erased_at });
                }
                Err(error) => {
                    tracing::warn!(%error, "skipped a damaged line of the file of deleted documents");
                }
            }
        }
        Ok(tombstones)
    }

    fn write(&self, tombstones: &[Tombstone]) -> io::Result<()> {
        let mut lines = Vec::new();
        for &Tombstone { workspace, document, erased_at } in tombstones {
            serde_json::to_writer(&mut lines, &Line { workspace, document, erased_at })?;
            lines.push(b'\n');
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.path.as_ref())?;
        if is_cut_off(&mut file)? {
            lines.insert(0, b'\n');
        }
        file.write_all(&lines)?;
        file.sync_all()?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// The last tombstone of each document.
fn newest(tombstones: &[Tombstone]) -> HashMap<DocumentId, Tombstone> {
    let mut newest: HashMap<DocumentId, Tombstone> = HashMap::new();
    for &tombstone in tombstones {
        let last = newest.entry(tombstone.document).or_insert(tombstone);
        if last.erased_at < tombstone.erased_at {
            *last = tombstone;
        }
    }
    newest
}

/// Whether the last line of the file has no end.
fn is_cut_off(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tombstone(number: u128, time: &str) -> Tombstone {
        Tombstone {
            workspace: WorkspaceId::DEFAULT,
            document: DocumentId(uuid::Uuid::from_u128(number)),
            erased_at: time.parse().expect("a time"),
        }
    }

    #[test]
    fn lines_survive_a_line_that_was_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("erasures.jsonl");
        let file = TombstoneFile::new(path.clone());
        assert_eq!(file.read().expect("no file is no error"), []);
        let first = tombstone(1, "2026-11-27T10:00:00.123Z");
        file.write(&[first]).expect("written");
        let mut torn = std::fs::read(&path).expect("a file");
        torn.extend_from_slice(b"{\"workspace\":\"0000");
        std::fs::write(&path, torn).expect("written");
        let again = tombstone(1, "2026-11-28T10:00:00Z");
        file.write(&[again, tombstone(2, "2026-11-27T10:00:00Z")]).expect("written");
        let read = file.read().expect("read");
        assert_eq!(read, [first, again, tombstone(2, "2026-11-27T10:00:00Z")]);
        assert_eq!(newest(&read)[&first.document], again);
    }
}
