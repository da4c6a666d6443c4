//! Deletes documents and collections.

use std::sync::Arc;

use db::Database;
use domain::{CollectionId, DocumentId, WorkspaceId};
use tracing::warn;

use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::erasure::erasures::Erasures;
use crate::erasure::tombstone_file::TombstoneFile;
use crate::error::IngestError;

/// Deletes a document with all of its versions.
#[derive(Clone)]
pub struct DocumentRemoval {
    db: Database,
    document_locks: Arc<DocumentLocks>,
    tombstones: TombstoneFile,
    erasures: Erasures,
}

impl DocumentRemoval {
    /// A removal from the context's stores.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            document_locks: context.document_locks.clone(),
            tombstones: context.tombstones.clone(),
            erasures: Erasures::new(context),
        }
    }

    /// Deletes a document, its versions, its originals, and what answers quote of it. When this returns, no search finds
    /// it, its texts are gone from the database, and no crash and no restored backup brings it back. What a store that
    /// fails now still holds is removed later.
    ///
    /// # Errors
    /// `Database` with `NotFound` where there is no such document; `Tombstones` where the disk fails, after it was deleted.
    pub async fn remove(&self, workspace: WorkspaceId, document: DocumentId) -> Result<(), IngestError> {
        {
            let _lock = self.document_locks.acquire(document).await;
            let tombstone = self.db.delete_document(workspace, document).await?;
            self.tombstones.append(vec![tombstone]).await?;
            self.erase_or_warn(document).await;
        }
        self.erasures.finish_in_pauses().await;
        Ok(())
    }

    /// Deletes a document that goes on as `moved_to`, with the same content: what answers quote stays, as a quote of that
    /// one.
    ///
    /// # Errors
    /// `Database`, with `NotFound` where there is no such document.
    pub(crate) async fn remove_moved(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        moved_to: DocumentId,
    ) -> Result<(), IngestError> {
        let _lock = self.document_locks.acquire(document).await;
        self.db.delete_moved_document(workspace, document, moved_to).await?;
        self.erase_or_warn(document).await;
        Ok(())
    }

    async fn erase_or_warn(&self, document: DocumentId) {
        if let Err(error) = self.erasures.erase_locked(document).await {
            warn!(%document, error = error.message(), "a deleted document is not removed completely; it is tried again");
        }
    }
}

/// Deletes a collection with its documents.
#[derive(Clone)]
pub struct CollectionRemoval {
    db: Database,
    tombstones: TombstoneFile,
    erasures: Erasures,
}

impl CollectionRemoval {
    /// A removal from the context's stores.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            tombstones: context.tombstones.clone(),
            erasures: Erasures::new(context),
        }
    }

    /// Deletes a collection and each of its documents, as [`DocumentRemoval::remove`] does.
    ///
    /// # Errors
    /// `Database` with `NotFound` where there is no such collection; `Tombstones` where the disk fails, after it was
    /// deleted.
    pub async fn remove(&self, workspace: WorkspaceId, collection: CollectionId) -> Result<(), IngestError> {
        let tombstones = self.db.delete_collection(workspace, collection).await?;
        self.tombstones.append(tombstones).await?;
        self.erasures.finish_or_warn().await;
        Ok(())
    }
}
