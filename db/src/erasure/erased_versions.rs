//! Deletes the rows of versions: those of erased documents, and the oldest of a document that has many.
//!
//! A version is deleted only when no vector index can hold a point of it any more, because its row is how those are found.

use domain::{DocumentId, VersionId, WorkspaceId};

use crate::database::Database;
use crate::erasure::erasures::Erasure;
use crate::erasure::released_originals::release_original;
use crate::error::DbError;
use crate::{decode, encode};

/// The condition under which the row of a version may be deleted.
const NO_POINTS_LEFT: &str = "state = 'superseded' AND chunks_removed = 1 \
     AND NOT EXISTS (SELECT 1 FROM indexed_versions i WHERE i.version = versions.id)";

impl Database {
    /// The versions of an erased document whose rows are left.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn erased_versions(&self, erasure: Erasure) -> Result<Vec<VersionId>, DbError> {
        let rows = sqlx::query("SELECT id FROM versions WHERE document = $1 AND number <= $2")
            .bind(erasure.document.to_string())
            .bind(encode::integer(erasure.last_number))
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(|row| decode::id(row, "id")).collect()
    }

    /// Deletes the versions of an erased document that have no points left. Returns whether that is all of them.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn delete_erased_versions(&self, erasure: Erasure) -> Result<bool, DbError> {
        let mut tx = self.write().await?;
        let delete =
            format!("DELETE FROM versions WHERE document = $1 AND number <= $2 AND {NO_POINTS_LEFT}");
        // Safe: every part is a constant of this module.
        sqlx::query(sqlx::AssertSqlSafe(delete))
            .bind(erasure.document.to_string())
            .bind(encode::integer(erasure.last_number))
            .execute(&mut *tx)
            .await?;
        let left = sqlx::query("SELECT id FROM versions WHERE document = $1 AND number <= $2 LIMIT 1")
            .bind(erasure.document.to_string())
            .bind(encode::integer(erasure.last_number))
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(left.is_none())
    }

    /// Deletes the superseded versions of a document besides its newest `kept`, and releases their originals. The live
    /// version is never deleted. Returns their number.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn prune_versions(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        kept: u32,
    ) -> Result<u64, DbError> {
        let condition = format!(
            "workspace = $1 AND document = $2 AND {NO_POINTS_LEFT} AND number <= \
             (SELECT n.number FROM versions n WHERE n.document = $2 ORDER BY n.number DESC LIMIT 1 OFFSET $3)"
        );
        let mut tx = self.write().await?;
        // Safe: every part is a constant of this module.
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT id, content_hash FROM versions WHERE {condition}"
        )))
        .bind(workspace.to_string())
        .bind(document.to_string())
        .bind(encode::integer(kept))
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            release_original(&mut tx, &decode::text(row, "content_hash")?).await?;
            sqlx::query("DELETE FROM versions WHERE id = $1")
                .bind(decode::text(row, "id")?)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }
}
