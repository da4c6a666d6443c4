//! Updates a document's tags: its stored text becomes a new version, because every chunk carries the tags.

use std::sync::Arc;

use db::{Database, DbError};
use domain::{DocumentId, Version, WorkspaceId, normalize_tags};
use jiff::Timestamp;

use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::error::IngestError;
use crate::versions::item::Ingested;
use crate::versions::store::VersionStore;

/// Updates tags.
#[derive(Clone)]
pub struct TagUpdate {
    db: Database,
    document_locks: Arc<DocumentLocks>,
    store: VersionStore,
}

impl TagUpdate {
    /// An update within the context's database and index.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            document_locks: context.document_locks.clone(),
            store: VersionStore::new(context),
        }
    }

    /// Replaces the tags of a document; its source is not needed. Without a date the document keeps its own.
    ///
    /// # Errors
    /// `BadTags` as [`normalize_tags`], `Database` with `NotFound` where there is no such document and with `Conflict`
    /// where its first version is still being ingested; and the errors of chunking, embedding and storing.
    pub async fn update_tags(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        tags: Vec<String>,
        dated_at: Option<Timestamp>,
    ) -> Result<Ingested, IngestError> {
        let tags = normalize_tags(tags)?;
        // Held from reading to storing: content that is ingested meanwhile must not be replaced by the one before.
        let _lock = self.document_locks.acquire(document).await;
        let document = self.db.document(workspace, document).await?;
        let Some(live) = document.live_version else {
            return Err(DbError::Conflict("the document is still being ingested".to_owned()).into());
        };
        if document.tags == tags {
            return Ok(Ingested::unchanged(&document));
        }
        let version = self.db.version(workspace, live).await?;
        let dated_at = dated_at.unwrap_or(document.dated_at);
        self.store.store_text_locked(document, Version { tags, dated_at, ..version }, false).await
    }
}
