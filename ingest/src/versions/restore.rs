//! Restores an earlier version of a document: its stored text becomes a new version, and the history goes on.

use std::sync::Arc;

use db::{Database, DbError};
use domain::{DocumentId, VersionState, WorkspaceId};

use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::error::IngestError;
use crate::versions::item::Ingested;
use crate::versions::store::VersionStore;

/// Restores earlier versions.
#[derive(Clone)]
pub struct VersionRestore {
    db: Database,
    document_locks: Arc<DocumentLocks>,
    store: VersionStore,
}

impl VersionRestore {
    /// A restore within the context's database and index.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            document_locks: context.document_locks.clone(),
            store: VersionStore::new(context),
        }
    }

    /// Restores the text, the tags and the date of version `number` as a new version of the document. A document of a
    /// folder or a site gets its own content again with the next sync that finds it changed.
    ///
    /// # Errors
    /// `Database` with `NotFound` where there is no such document or version, and with `Conflict` where that version was
    /// never complete; and the errors of chunking, embedding and storing.
    pub async fn restore_version(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        number: u32,
    ) -> Result<Ingested, IngestError> {
        // Held from reading to storing: content that is ingested meanwhile must not count as the one before.
        let _lock = self.document_locks.acquire(document).await;
        let document = self.db.document(workspace, document).await?;
        let version = self.db.version_by_number(workspace, document.id, number).await?;
        if version.state == VersionState::Pending {
            return Err(DbError::Conflict("that version is still being ingested".to_owned()).into());
        }
        if document.live_version == Some(version.id) {
            return Ok(Ingested::unchanged(&document));
        }
        // Equal bytes do not mean equal text: an older parser may have extracted another one.
        let force = document.content_hash == version.content_hash;
        self.store.store_text_locked(document, version, force).await
    }
}
