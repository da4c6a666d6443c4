//! Which installation a database belongs to. The data directory knows the same id, so neither is taken for another one's.

use domain::InstallationId;

use crate::rows::{self, now_ms};
use crate::{Database, DbError};

/// Whether anybody has put anything in. What is deleted leaves its row.
pub(crate) const HAS_DATA: &str =
    "SELECT id FROM documents UNION ALL SELECT id FROM jobs UNION ALL SELECT id FROM conversations LIMIT 1";

impl Database {
    /// The installation's id.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn installation(&self) -> Result<InstallationId, DbError> {
        let row = sqlx::query("SELECT id FROM installation").fetch_one(&self.reads).await?;
        rows::parsed(&row, "id")
    }

    /// Whether documents, jobs or conversations were ever put in.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn has_data(&self) -> Result<bool, DbError> {
        Ok(sqlx::query(HAS_DATA).fetch_optional(&self.reads).await?.is_some())
    }

    /// Gives a new database its id.
    pub(crate) async fn ensure_installation(&self) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO installation (one, id, created_at) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING",
        )
        .bind(InstallationId::new().to_string())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
