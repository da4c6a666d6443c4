//! Other tags for a document that is in: its stored text becomes a new version, because every chunk carries the tags.

use std::ops::ControlFlow;

use db::DbError;
use domain::{DocumentId, WorkspaceId};
use jiff::Timestamp;

use crate::pipeline::{Ingested, Place, on_blocking_thread, unchanged};
use crate::{IngestError, Pipeline, checked_tags};

impl Pipeline {
    /// Sorts a document by these tags, without its source. Without a date the document keeps its own.
    ///
    /// # Errors
    /// `BadTags` as [`checked_tags`], `Database` with `NotFound` where there is no such document and with `Conflict`
    /// where its first version is still being made; and what can go wrong when chunks are made and stored.
    pub async fn retag(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        tags: Vec<String>,
        dated_at: Option<Timestamp>,
    ) -> Result<Ingested, IngestError> {
        let tags = checked_tags(tags)?;
        // Held from reading to storing, so that a content which comes in meanwhile is not replaced by the one before.
        let _turn = self.locks.acquire(document).await;
        let document = self.db.document(workspace, document).await?;
        let Some(live) = document.live_version else {
            return Err(DbError::Conflict("the document is still being taken in".to_owned()).into());
        };
        if document.tags == tags {
            return Ok(unchanged(&document));
        }
        let version = self.db.version(workspace, live).await?;
        let place = Place {
            workspace,
            collection: document.collection,
            source: document.source,
            tags: Some(tags),
            dated_at: dated_at.or(Some(document.dated_at)),
            force: false,
            former: None,
        };
        let (preparer, title) = (self.preparer(), document.title);
        let prepared = on_blocking_thread(move || {
            preparer.prepare_text(title, version.content_hash, version.text, version.page_starts)
        });
        self.store_in_turn(place, prepared.await?, &mut |_| ControlFlow::Continue(())).await
    }
}
