//! Deletes documents.

use std::sync::Arc;

use db::Database;
use domain::{DocumentId, WorkspaceId};

use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::error::IngestError;
use crate::versions::sweep::Sweep;

/// Deletes a document with all of its versions.
#[derive(Clone)]
pub struct DocumentRemoval {
    db: Database,
    document_locks: Arc<DocumentLocks>,
    sweep: Sweep,
}

impl DocumentRemoval {
    /// A removal from the context's database and index.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            document_locks: context.document_locks.clone(),
            sweep: Sweep::new(context),
        }
    }

    /// Deletes a document. When this returns, no search finds it.
    ///
    /// # Errors
    /// `Database` with `NotFound` where there is no such document.
    pub async fn remove(&self, workspace: WorkspaceId, document: DocumentId) -> Result<(), IngestError> {
        let _lock = self.document_locks.acquire(document).await;
        self.db.delete_document(workspace, document).await?;
        self.sweep.run_or_warn().await;
        Ok(())
    }
}
