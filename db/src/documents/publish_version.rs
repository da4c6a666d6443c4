//! Publishes and abandons pending versions.
//!
//! Publishing changes the states of two versions in one transaction, so it is never half done. Lock order, so that
//! transactions never deadlock: collection, document, versions.

use domain::{Document, DocumentId, VersionId, VersionState, WorkspaceId};
use sqlx::AnyConnection;

use crate::database::Database;
use crate::documents::documents::live_document;
use crate::error::DbError;
use crate::{decode, encode};

impl Database {
    /// Makes a pending version live, and supersedes the previous one. Publishing a live version again is no error; it only
    /// updates the number of chunks, which rechunking changes.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] when the version is superseded: a later one was begun, or the document was deleted. From then
    /// on [`stale_versions`](Database::stale_versions) lists it again, even if its chunks were removed before.
    pub async fn publish_version(
        &self,
        workspace: WorkspaceId,
        version: VersionId,
        chunk_count: u32,
    ) -> Result<Document, DbError> {
        let mut tx = self.write().await?;
        let document = lock_document_of(&mut tx, workspace, version).await?;
        let row = sqlx::query("SELECT state FROM versions WHERE id = $1")
            .bind(version.to_string())
            .fetch_one(&mut *tx)
            .await?;
        let state = decode::word::<VersionState>(&row, "state")?;
        if state == VersionState::Superseded {
            sqlx::query("UPDATE versions SET chunks_removed = 0 WHERE id = $1")
                .bind(version.to_string())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            return Err(DbError::Conflict(
                "a later version of the document was begun, or the document was deleted".to_owned(),
            ));
        }
        if state == VersionState::Pending {
            supersede_live(&mut tx, document).await?;
        }
        sqlx::query("UPDATE versions SET state = 'live', chunk_count = $2 WHERE id = $1")
            .bind(version.to_string())
            .bind(encode::integer(chunk_count))
            .execute(&mut *tx)
            .await?;
        let published = live_document(&mut tx, workspace, document).await?;
        tx.commit().await?;
        Ok(published)
    }

    /// Supersedes the pending version of the document, if there is one.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn abandon_version(&self, workspace: WorkspaceId, document: DocumentId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "UPDATE versions SET state = 'superseded' WHERE workspace = $1 AND document = $2 AND state = 'pending'",
        )
        .bind(workspace.to_string())
        .bind(document.to_string())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}

/// Locks the version's document until the transaction ends, and with it the states of all its versions.
async fn lock_document_of(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    version: VersionId,
) -> Result<DocumentId, DbError> {
    let row = sqlx::query(
        "UPDATE documents SET id = id WHERE workspace = $1 \
         AND id = (SELECT document FROM versions WHERE workspace = $1 AND id = $2) RETURNING id",
    )
    .bind(workspace.to_string())
    .bind(version.to_string())
    .fetch_optional(connection)
    .await?;
    decode::id(&row.ok_or(DbError::NotFound("version"))?, "id")
}

/// Supersedes the document's live version, if it has one, and dates the change.
async fn supersede_live(connection: &mut AnyConnection, document: DocumentId) -> Result<(), DbError> {
    sqlx::query("UPDATE versions SET state = 'superseded' WHERE document = $1 AND state = 'live'")
        .bind(document.to_string())
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE documents SET updated_at = $2 WHERE id = $1")
        .bind(document.to_string())
        .bind(encode::now_ms())
        .execute(connection)
        .await?;
    Ok(())
}
