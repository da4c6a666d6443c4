//! The index built again from SQL alone: no source is read, every live document is embedded anew.
//!
//! Each document gets a new version with the text it has, so questions are answered from the old one until the new
//! one is whole, also where the chunk sizes or the embedder changed in between.

use std::time::Instant;

use domain::{Document, WorkspaceId};
use serde::Serialize;

use crate::pipeline::{Place, on_blocking_thread};
use crate::sync::FailedSource;
use crate::{IngestError, Pipeline};

/// Documents read at a time.
const DOCUMENT_BATCH: u32 = 100;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReindexProgress {
    /// Documents done, failed ones included.
    pub done: u64,
    /// Documents in all.
    pub total: u64,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReindexReport {
    /// Documents that are in the index again.
    pub documents: u64,
    /// Their chunks.
    pub chunks: u64,
    /// Time it took.
    pub seconds: f64,
    /// Documents that are not, and why.
    pub failed: Vec<FailedSource>,
}

impl Pipeline {
    /// Builds the index of a workspace again from the texts in SQL. Safe to interrupt and to repeat.
    ///
    /// # Errors
    /// Those that concern every document ([`IngestError::concerns_every_document`]); others are in the report.
    pub async fn reindex(
        &self,
        workspace: WorkspaceId,
        mut on_progress: impl FnMut(ReindexProgress) + Send,
    ) -> Result<ReindexReport, IngestError> {
        let started = Instant::now();
        let mut report = ReindexReport::default();
        let mut progress = ReindexProgress { done: 0, total: self.db.count_documents(workspace).await? };
        on_progress(progress);
        let mut last = None;
        loop {
            let documents = self.db.live_documents_after(workspace, last, DOCUMENT_BATCH).await?;
            let Some(end) = documents.last() else { break };
            last = Some(end.id);
            for document in documents {
                let source = document.source.clone();
                match self.reindex_document(document).await {
                    Ok(chunks) => {
                        report.documents += 1;
                        report.chunks += u64::from(chunks);
                    }
                    Err(error) if error.concerns_every_document() => return Err(error),
                    Err(error) => report.failed.push(FailedSource::new(source, &error)),
                }
                progress.done += 1;
                on_progress(progress);
            }
        }
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    async fn reindex_document(&self, document: Document) -> Result<u32, IngestError> {
        let Some(live) = document.live_version else { return Ok(0) };
        let version = self.db.version(document.workspace, live).await?;
        let preparer = self.preparer().clone();
        let prepared = on_blocking_thread(move || {
            preparer.prepare_text(document.title, version.content_hash, version.text, version.page_starts)
        })
        .await?;
        let place = Place {
            workspace: document.workspace,
            collection: document.collection,
            source: document.source,
            tags: Some(document.tags),
            dated_at: Some(document.dated_at),
            force: true,
        };
        Ok(self.store(place, prepared).await?.chunks)
    }
}
