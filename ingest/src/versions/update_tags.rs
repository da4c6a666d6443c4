//! Other tags for a document that is in: its stored text becomes a new version, because every chunk carries the tags.

use std::ops::ControlFlow;

use db::DbError;
use domain::{Document, DocumentId, Version, WorkspaceId};
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
        let dated_at = dated_at.unwrap_or(document.dated_at);
        self.store_text(document, Version { tags, dated_at, ..version }, false).await
    }

    /// Makes a new version of a document of the text, the tags and the date of `version`. For who holds the document's lock.
    pub(crate) async fn store_text(
        &self,
        document: Document,
        version: Version,
        force: bool,
    ) -> Result<Ingested, IngestError> {
        let Version { title, content_hash, text, page_starts, tags, dated_at, .. } = version;
        let place = Place {
            workspace: document.workspace,
            collection: document.collection,
            source: document.source,
            tags: Some(tags),
            dated_at: Some(dated_at),
            force,
            former: None,
        };
        let preparer = self.preparer();
        let prepared =
            on_blocking_thread(move || preparer.prepare_text(title, content_hash, text, page_starts));
        self.store_in_turn(place, prepared.await?, &mut |_| ControlFlow::Continue(())).await
    }
}
