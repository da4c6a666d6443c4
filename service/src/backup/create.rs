//! Writes a backup while others write: a snapshot of SQL, the originals that it names, the points of its live versions.
//!
//! The three agree because an original is kept before any row names it and never changed, and because the points of a version
//! are complete before it goes live and never changed. Only points of a version that was superseded and swept during the
//! backup can be missing: a restore embeds that version again, from its text in SQL.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use db::{Database, DbError, Snapshot};
use domain::{EmbeddingSpace, Selection, VectorStore, VectorStoreError};
use futures::StreamExt;
use ingest::{Originals, OriginalsError};
use jiff::Timestamp;

use super::format::{
    Amounts, ArchiveError, ArchiveWriter, ArchivedIndex, ENTRY_BYTES, FORMAT, Manifest, Part,
};
use crate::open_error::OpenError;

/// Points read at once.
const POINTS_PER_READ: usize = 256;

/// What is backed up.
pub struct BackupSource {
    /// SQL.
    pub db: Database,
    /// Source bytes.
    pub originals: Originals,
    /// The points of the live index with their space; `None` where it cannot be read.
    pub vectors: Option<(EmbeddingSpace, Arc<dyn VectorStore>)>,
}

/// Why no backup was written.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The installation holds no data: a folder that is not mounted, most likely.
    #[error("nothing to back up in `{}`", data_dir.display())]
    NothingThere {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// SQL cannot be read.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The vector index cannot be opened.
    #[error(transparent)]
    NotOpen(#[from] OpenError),
    /// The vector store cannot be read.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// The live index was replaced at this moment.
    #[error("the vector index was just replaced; try again")]
    IndexReplaced,
    /// An original cannot be read.
    #[error("cannot read the original `{hash}`")]
    Original {
        /// Its SHA-256.
        hash: String,
        /// Why.
        #[source]
        error: OriginalsError,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl BackupSource {
    /// Writes the backup to `out` and returns `out`. After an error, what was written is no complete backup.
    pub async fn write<W: Write + Send + 'static>(&self, out: W) -> Result<W, BackupError> {
        let mut snapshot = self.db.snapshot().await?;
        let live = snapshot.live_index().await?;
        if let (Some(live), Some((space, _))) = (&live, &self.vectors)
            && live.space != *space
        {
            return Err(BackupError::IndexReplaced);
        }
        let manifest = Manifest {
            format: FORMAT,
            daedap: env!("CARGO_PKG_VERSION").to_owned(),
            schema: snapshot.schema_version().await?,
            made_at: Timestamp::now(),
            index: live.map(|live| ArchivedIndex { embedder: live.embedder, space: live.space }),
        };
        let archive = ArchiveWriter::begin(out, &manifest).await?;
        let mut writing = Writing { archive, amounts: Amounts::default() };
        for table in db::backup_tables() {
            writing.rows(&mut snapshot, table).await?;
        }
        writing.originals(&mut snapshot, &self.originals).await?;
        if let Some((_, store)) = &self.vectors {
            writing.points(&mut snapshot, store.as_ref()).await?;
        }
        Ok(writing.archive.end(&writing.amounts).await?)
    }
}

struct Writing<W> {
    archive: ArchiveWriter<W>,
    amounts: Amounts,
}

impl<W: Write + Send + 'static> Writing<W> {
    async fn rows(&mut self, snapshot: &mut Snapshot, table: &'static str) -> Result<(), BackupError> {
        let mut rows = snapshot.rows(table).await?;
        let part = Part::Rows(table);
        let (mut lines, mut count) = (Vec::new(), 0);
        while let Some(row) = rows.next().await {
            lines.extend_from_slice(row?.as_bytes());
            lines.push(b'\n');
            count += 1;
            self.put_if_full(&part, &mut lines).await?;
        }
        self.put_rest(&part, lines).await?;
        if count > 0 {
            self.amounts.rows.insert(table.to_owned(), count);
        }
        Ok(())
    }

    /// Writes the originals that are kept: older releases kept none of what a command ingested from a folder.
    async fn originals(&mut self, snapshot: &mut Snapshot, originals: &Originals) -> Result<(), BackupError> {
        let mut hashes = snapshot.original_hashes();
        while let Some(hash) = hashes.next().await {
            let hash = hash?;
            match originals.read(&hash).await {
                Ok(bytes) => {
                    self.archive.put(&Part::Original(hash), bytes.into()).await?;
                    self.amounts.originals += 1;
                }
                Err(OriginalsError::Missing) => {}
                Err(error) => return Err(BackupError::Original { hash, error }),
            }
        }
        Ok(())
    }

    async fn points(&mut self, snapshot: &mut Snapshot, store: &dyn VectorStore) -> Result<(), BackupError> {
        let mut versions = snapshot.live_versions();
        let mut lines = Vec::new();
        while let Some(live) = versions.next().await {
            let live = live?;
            let selection = Selection::Version(live.workspace, live.version);
            let mut last = None;
            loop {
                let points = store.points(selection, last, POINTS_PER_READ).await?;
                for point in &points {
                    serde_json::to_writer(&mut lines, point)
                        .map_err(|error| ArchiveError::Io(error.into()))?;
                    lines.push(b'\n');
                    self.amounts.points += 1;
                }
                self.put_if_full(&Part::Points, &mut lines).await?;
                if points.len() < POINTS_PER_READ {
                    break;
                }
                last = points.last().map(|point| point.chunk.id);
            }
        }
        self.put_rest(&Part::Points, lines).await
    }

    async fn put_if_full(&mut self, part: &Part, lines: &mut Vec<u8>) -> Result<(), BackupError> {
        if lines.len() >= ENTRY_BYTES {
            self.archive.put(part, std::mem::take(lines)).await?;
        }
        Ok(())
    }

    async fn put_rest(&mut self, part: &Part, lines: Vec<u8>) -> Result<(), BackupError> {
        if !lines.is_empty() {
            self.archive.put(part, lines).await?;
        }
        Ok(())
    }
}
