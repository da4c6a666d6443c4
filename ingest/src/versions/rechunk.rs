//! Writes a live version's chunks again from its text in SQL: into an index that is being built, or where some are missing.

use std::ops::ControlFlow;

use db::Database;
use domain::{Document, VersionId};

use crate::blocking::run_blocking;
use crate::context::IngestContext;
use crate::error::IngestError;
use crate::index::vector_reuse::ReusableVectors;
use crate::versions::prepare::Preparer;
use crate::versions::write::{ChunkTarget, ChunkWriter};

/// Chunks stored texts again.
#[derive(Clone)]
pub(crate) struct Rechunk {
    db: Database,
    writer: ChunkWriter,
}

impl Rechunk {
    pub(crate) fn new(context: &IngestContext) -> Self {
        Self { db: context.db.clone(), writer: ChunkWriter::new(context.analyzer.clone()) }
    }

    /// Writes the chunks of `live`, the live version of `document`, into the index of `preparer`. Returns their number.
    pub(crate) async fn rechunk(
        &self,
        preparer: &Preparer,
        document: &Document,
        live: VersionId,
    ) -> Result<u32, IngestError> {
        let version = self.db.version(document.workspace, live).await?;
        let (on_thread, title) = (preparer.clone(), document.title.clone());
        let prepared = run_blocking(move || {
            on_thread.prepare_text(title, version.content_hash, version.text, version.page_starts)
        })
        .await?;
        let target = ChunkTarget {
            index: preparer.index(),
            reusable: &ReusableVectors::default(),
            workspace: document.workspace,
            collection: document.collection,
            document: document.id,
            version: live,
            source: &document.source,
            title: &document.title,
            tags: &document.tags,
            dated_at: document.dated_at,
        };
        self.writer.write(&target, &prepared.drafts, &mut |_| ControlFlow::Continue(())).await
    }
}
