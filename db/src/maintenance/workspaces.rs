//! Creates and lists workspaces: the tenants that everything else belongs to.

use domain::WorkspaceId;

use crate::database::Database;
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
}
