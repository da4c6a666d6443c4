//! A live version's chunks once more, from its text in SQL: into an index that is being built, or where some are lost.

use std::ops::ControlFlow;
use std::sync::Arc;

use domain::{Document, Index, VersionId};

use crate::known::KnownVectors;
use crate::pipeline::on_blocking_thread;
use crate::prepare::Preparer;
use crate::write::Writing;
use crate::{IngestError, Pipeline};

impl Pipeline {
    /// Writes the chunks of `live`, the live version of `document`, into the index of `preparer`. Returns their number.
    pub(crate) async fn write_live(
        &self,
        preparer: &Preparer,
        index: &Arc<Index>,
        document: &Document,
        live: VersionId,
    ) -> Result<u32, IngestError> {
        let version = self.db.version(document.workspace, live).await?;
        let (preparer, title) = (preparer.clone(), document.title.clone());
        let prepared = on_blocking_thread(move || {
            preparer.prepare_text(title, version.content_hash, version.text, version.page_starts)
        })
        .await?;
        let known = KnownVectors::default();
        let writing = Writing {
            index,
            known: &known,
            workspace: document.workspace,
            collection: document.collection,
            document: document.id,
            version: live,
            source: &document.source,
            title: &document.title,
            tags: &document.tags,
            dated_at: document.dated_at,
        };
        self.write_chunks(&writing, &prepared.drafts, &mut |_| ControlFlow::Continue(())).await
    }
}
