//! Frees what deleted rows took up in the database's own files.

use sqlx::Row as _;

use crate::database::Database;
use crate::dialect::Dialect;
use crate::error::DbError;

/// Shortens the wait for readers, during which nobody writes.
const SHORT_WAIT: &str = "PRAGMA busy_timeout = 500";
const USUAL_WAIT: &str = "PRAGMA busy_timeout = 10000";

impl Database {
    /// Gives pages of deleted rows back to the disk and empties SQLite's log, which repeats the rows of the last writes.
    /// Returns `false` if the log could not be emptied because somebody reads an older state, as a backup does.
    ///
    /// PostgreSQL reclaims the space of deleted rows by itself (autovacuum), and keeps its log by its own settings.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn reclaim(&self) -> Result<bool, DbError> {
        if self.dialect == Dialect::Postgres {
            return Ok(true);
        }
        let mut connection = self.writes.acquire().await?;
        sqlx::query("PRAGMA incremental_vacuum").fetch_all(&mut *connection).await?;
        sqlx::query(SHORT_WAIT).fetch_all(&mut *connection).await?;
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        sqlx::query(USUAL_WAIT).fetch_all(&mut *connection).await?;
        // `busy` is 1 if a reader or another process stood in the way.
        Ok(emptied?.try_get::<i64, _>("busy")? == 0)
    }
}
