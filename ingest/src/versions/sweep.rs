//! Removes the chunks of versions that were superseded or deleted.

use std::sync::Arc;

use db::Database;
use domain::{LiveIndex, Selection};
use tracing::warn;

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::index::lock::IndexLock;

/// Rows read at a time.
const BATCH_ROWS: u32 = 256;

/// Removes superseded chunks from the live index.
#[derive(Clone)]
pub struct Sweep {
    db: Database,
    index: Arc<LiveIndex>,
    index_lock: Arc<IndexLock>,
}

impl Sweep {
    /// A sweep over the context's index.
    pub fn new(context: &IngestContext) -> Self {
        Self { db: context.db.clone(), index: context.index.clone(), index_lock: context.index_lock.clone() }
    }

    /// Removes the chunks of all superseded and deleted versions. Returns the number of versions.
    ///
    /// # Errors
    /// `Database` or `Vectors`; the next sweep removes what is left.
    pub async fn run(&self) -> Result<u64, IngestError> {
        let mut swept = 0;
        loop {
            // Held over both steps: the list must be about the index that the chunks are removed from.
            let _sweeping = self.index_lock.sweep().await;
            let stale = self.db.stale_versions(BATCH_ROWS).await?;
            if stale.is_empty() {
                return Ok(swept);
            }
            let index = self.index.current();
            for version in stale {
                index.vectors.remove(Selection::Version(version.workspace, version.version)).await?;
                self.db.mark_chunks_removed(version.version).await?;
                swept += 1;
            }
        }
    }

    /// Sweeps after a change that is already committed and acknowledged. A failure is only logged: no search returns these
    /// chunks, so they can stay until the next sweep.
    pub(crate) async fn run_or_warn(&self) {
        if let Err(error) = self.run().await {
            warn!(error = error.message(), "superseded chunks stay in the vector index until the next sweep");
        }
    }
}
