//! Looks up a document that has a live version.

use db::{Database, DbError};
use domain::{Document, DocumentId, WorkspaceId};

/// The document if it exists and has a live version.
///
/// # Errors
/// Any [`DbError`] but `NotFound`.
pub(crate) async fn live_document(
    db: &Database,
    workspace: WorkspaceId,
    document: DocumentId,
) -> Result<Option<Document>, DbError> {
    match db.document(workspace, document).await {
        Ok(document) => Ok(Some(document).filter(|document| document.live_version.is_some())),
        Err(DbError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
