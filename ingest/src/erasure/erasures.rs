//! Completes erasures: removes the points, the versions and the originals of deleted documents, and then what is left of
//! them in the files of the stores.
//!
//! What a crash leaves, by the step that it interrupts; no search finds anything of the document from the first step on:
//!
//! | interrupted | left | completed by |
//! |---|---|---|
//! | before the transaction of the deletion | the whole document; the deletion was not acknowledged | nobody |
//! | before the tombstone is on disk | points, originals; the deletion was not acknowledged | the next start |
//! | before points and originals are removed | points, originals, rows without texts | the next start |
//! | before files are purged | bytes in freed parts of files | the next start |

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Database, Erasure};
use domain::{DocumentId, LiveIndex, Selection};
use tracing::warn;

use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::erasure::originals_removal::OriginalsRemoval;
use crate::erasure::state::ErasureState;
use crate::error::IngestError;
use crate::index::lock::IndexLock;

/// Rows read at a time.
const BATCH_ROWS: u32 = 256;

/// Deletions that follow each other this closely are purged from the files together, by the next call of
/// [`Erasures::finish`].
const PURGE_INTERVAL: Duration = Duration::from_secs(5);

/// Completes erasures.
#[derive(Clone)]
pub struct Erasures {
    db: Database,
    index: Arc<LiveIndex>,
    index_lock: Arc<IndexLock>,
    document_locks: Arc<DocumentLocks>,
    originals_removal: OriginalsRemoval,
    state: Arc<ErasureState>,
}

impl Erasures {
    /// Erasures from the context's stores.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            index: context.index.clone(),
            index_lock: context.index_lock.clone(),
            document_locks: context.document_locks.clone(),
            originals_removal: OriginalsRemoval::new(context),
            state: context.erasures.clone(),
        }
    }

    /// Completes all erasures that were begun. Returns the number of those that are complete now. A document that is being
    /// ingested at this moment is left to the next call, and so are all of them while a backup reads an older state.
    ///
    /// # Errors
    /// `Database`, `Vectors` and `Originals`; the next call completes what is left.
    pub async fn finish(&self) -> Result<u64, IngestError> {
        let mut purged_at = self.state.purged_at.lock().await;
        let erased = self.erase_all().await?;
        let none_left = self.originals_removal.run().await?;
        if erased.is_empty() {
            return Ok(0);
        }
        self.index.current().vectors.purge().await?;
        let reclaimed = self.db.reclaim().await?;
        *purged_at = Some(Instant::now());
        drop(purged_at);
        self.state.erased.send_replace(());
        if !(none_left && reclaimed) {
            return Ok(0);
        }
        for &erasure in &erased {
            self.db.finish_erasure(erasure).await?;
        }
        Ok(erased.len() as u64)
    }

    /// Completes erasures after a deletion that is already acknowledged. A failure is only logged: no search finds
    /// anything of them.
    pub async fn finish_or_warn(&self) {
        if let Err(error) = self.finish().await {
            warn!(error = error.message(), "deleted documents are not removed completely; it is tried again");
        }
    }

    /// Removes points, versions and originals of a document that was just deleted; its lock is held. Files are purged when
    /// deletions pause.
    pub(crate) async fn erase_locked(&self, document: DocumentId) -> Result<(), IngestError> {
        if let Some(erasure) = self.db.unfinished_erasure(document).await? {
            self.erase(erasure).await?;
            self.originals_removal.run().await?;
        }
        self.state.erased.send_replace(());
        Ok(())
    }

    /// Completes erasures unless files were purged just now.
    pub(crate) async fn finish_in_pauses(&self) {
        let is_burst = self
            .state
            .purged_at
            .try_lock()
            .map_or(true, |purged_at| purged_at.is_some_and(|at| at.elapsed() < PURGE_INTERVAL));
        if !is_burst {
            self.finish_or_warn().await;
        }
    }

    /// Returns the erasures of which only bytes in files are left.
    async fn erase_all(&self) -> Result<Vec<Erasure>, IngestError> {
        let (mut erased, mut last) = (Vec::new(), None);
        loop {
            let unfinished = self.db.unfinished_erasures(last, BATCH_ROWS).await?;
            let Some(end) = unfinished.last() else { return Ok(erased) };
            last = Some(end.document);
            for erasure in unfinished {
                // Whoever ingests the document holds its lock, and may be writing points of a deleted version.
                let Some(_lock) = self.document_locks.try_acquire(erasure.document) else { continue };
                self.db.erase_rows(erasure.document).await?;
                if self.erase(erasure).await? {
                    erased.push(erasure);
                }
            }
        }
    }

    /// Removes the points and the versions of an erased document; its lock is held. Returns whether none is left: an index
    /// that is being built may still have points.
    async fn erase(&self, erasure: Erasure) -> Result<bool, IngestError> {
        // Held over all steps: the points must be those of the index that stays live.
        let _sweeping = self.index_lock.sweep().await;
        let index = self.index.current();
        for version in self.db.erased_versions(erasure).await? {
            index.vectors.remove(Selection::Version(erasure.workspace, version)).await?;
            self.db.mark_chunks_removed(version).await?;
        }
        Ok(self.db.delete_erased_versions(erasure).await?)
    }
}
