//! Workspaces: the tenants that everything else belongs to.

use domain::WorkspaceId;

use crate::rows::now_ms;
use crate::text::require;
use crate::{Database, DbError};

impl Database {
    /// Makes sure that the workspace exists. One that does keeps its name.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a name that is empty or has a NUL.
    pub async fn ensure_workspace(&self, id: WorkspaceId, name: &str) -> Result<(), DbError> {
        require("workspace's name", name)?;
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(name)
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
