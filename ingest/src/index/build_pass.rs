//! Makes passes over the live versions: each adds what the built index lacks, and removes what is no longer live.

use db::Database;
use domain::{Document, Selection};

use crate::error::IngestError;
use crate::index::build::Build;
use crate::sources::report::FailedSource;
use crate::versions::prepare::Preparer;
use crate::versions::rechunk::Rechunk;

/// Rows read at a time.
const BATCH_ROWS: u32 = 100;

/// Progress of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReindexProgress {
    /// Documents done, failed ones included.
    pub done: u64,
    /// All documents.
    pub total: u64,
}

/// The passes of one build.
pub(crate) struct BuildPasses<'a, F> {
    pub(crate) db: &'a Database,
    pub(crate) rechunk: &'a Rechunk,
    pub(crate) build: &'a Build,
    pub(crate) preparer: Preparer,
    pub(crate) failed: Vec<FailedSource>,
    pub(crate) on_progress: F,
}

impl<F: FnMut(ReindexProgress) + Send> BuildPasses<'_, F> {
    /// Makes one pass. Returns how many documents were missing.
    pub(crate) async fn run(&mut self) -> Result<u64, IngestError> {
        self.remove_leftovers().await?;
        let before = self.db.build_progress(self.build.id).await?;
        let mut progress = ReindexProgress { done: before.indexed, total: before.documents };
        (self.on_progress)(progress);
        let (mut found, mut last) = (0, None);
        loop {
            let missing = self.db.unindexed_documents(self.build.id, last, BATCH_ROWS).await?;
            let Some(end) = missing.last() else { return Ok(found) };
            last = Some(end.id);
            for document in missing {
                let source = document.source.clone();
                match self.add(document).await {
                    Ok(()) => {}
                    Err(error) if error.concerns_every_document() => return Err(error),
                    Err(error) => self.failed.push(FailedSource::new(source, &error)),
                }
                found += 1;
                progress.done += 1;
                progress.total = progress.total.max(progress.done);
                (self.on_progress)(progress);
            }
        }
    }

    async fn remove_leftovers(&self) -> Result<(), IngestError> {
        loop {
            let leftovers = self.db.leftover_versions(self.build.id, BATCH_ROWS).await?;
            if leftovers.is_empty() {
                return Ok(());
            }
            for leftover in leftovers {
                let selection = Selection::Version(leftover.workspace, leftover.version);
                self.build.index.vectors.remove(selection).await?;
                self.db.delete_indexed_version(self.build.id, leftover.version).await?;
            }
        }
    }

    /// Adds the document's live version. If it is superseded meanwhile, the next pass removes it again.
    async fn add(&self, document: Document) -> Result<(), IngestError> {
        let Some(live) = document.live_version else { return Ok(()) };
        self.db.begin_indexing(self.build.id, live).await?;
        let chunks = self.rechunk.rechunk(&self.preparer, &document, live).await?;
        self.db.finish_indexing(self.build.id, live, chunks).await?;
        Ok(())
    }
}
