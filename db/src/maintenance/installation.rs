//! Identifies the installation that a database belongs to. The data directory holds the same id, so a mix-up is detected.

use domain::InstallationId;

use crate::database::Database;
use crate::error::DbError;
use crate::schema::SELECT_ANY_DATA;
use crate::{decode, encode};

impl Database {
    /// The installation's id.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn installation(&self) -> Result<InstallationId, DbError> {
        let row = sqlx::query("SELECT id FROM installation").fetch_one(&self.reads).await?;
        decode::id(&row, "id")
    }

    /// Whether documents, jobs or conversations were ever stored.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn has_data(&self) -> Result<bool, DbError> {
        Ok(sqlx::query(SELECT_ANY_DATA).fetch_optional(&self.reads).await?.is_some())
    }

    /// Gives a new database an installation id.
    pub(crate) async fn ensure_installation(&self) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO installation (one, id, created_at) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING",
        )
        .bind(InstallationId::new().to_string())
        .bind(encode::now_ms())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }
}
