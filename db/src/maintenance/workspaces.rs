//! Creates and lists workspaces: the tenants that everything else belongs to.

use domain::WorkspaceId;

use crate::database::{Database, require_affected};
use crate::error::DbError;
use crate::stored_text::require_text;
use crate::{decode, encode};

impl Database {
    /// Creates the workspace if it is missing. An existing one keeps its name.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a name that is empty or has a NUL.
    pub async fn ensure_workspace(&self, id: WorkspaceId, name: &str) -> Result<(), DbError> {
        require_text("workspace's name", name)?;
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(name)
        .bind(encode::now_ms())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// The ids of all workspaces.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceId>, DbError> {
        let rows = sqlx::query("SELECT id FROM workspaces ORDER BY id").fetch_all(&self.reads).await?;
        rows.iter().map(|row| decode::id(row, "id")).collect()
    }

    /// Whether the sample documents were loaded into the workspace, whatever has become of them.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] for an unknown workspace.
    pub async fn is_sample_loaded(&self, id: WorkspaceId) -> Result<bool, DbError> {
        let row = sqlx::query("SELECT sample_loaded_at FROM workspaces WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reads)
            .await?;
        let row = row.ok_or(DbError::NotFound("workspace"))?;
        Ok(decode::optional_time(&row, "sample_loaded_at")?.is_some())
    }

    /// Notes that the sample documents are loaded, once and for all.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] for an unknown workspace.
    pub async fn mark_sample_loaded(&self, id: WorkspaceId) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        let marked = sqlx::query("UPDATE workspaces SET sample_loaded_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(encode::now_ms())
            .execute(&mut *tx)
            .await?;
        require_affected(&marked, "workspace")?;
        Ok(tx.commit().await?)
    }
}
