//! The handle to an open database: reads from one pool, writes in transactions of the other.

use sqlx::any::{AnyArguments, AnyQueryResult};
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Transaction};

use crate::dialect::Dialect;
use crate::error::DbError;
use crate::lease_clock::LeaseClock;

/// The database. A clone shares the same connection pools.
#[derive(Debug, Clone)]
pub struct Database {
    pub(crate) dialect: Dialect,
    pub(crate) lease_clock: LeaseClock,
    /// For statements that only read.
    pub(crate) reads: AnyPool,
    /// For transactions that write; may be the same pool.
    pub(crate) writes: AnyPool,
}

impl Database {
    /// Checks that the database answers.
    ///
    /// # Errors
    ///
    /// [`DbError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT id FROM workspaces LIMIT 1").fetch_optional(&self.reads).await?;
        Ok(())
    }

    /// Waits for running statements and closes all connections. Any later call is [`DbError::Unavailable`].
    pub async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    /// Begins a transaction that may write.
    ///
    /// Every write goes through one, single statements too: a statement with `RETURNING` returns its row before it
    /// is committed, so only `commit` acknowledges a write. A transaction dropped without it is rolled back.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>, DbError> {
        Ok(self.writes.begin_with(self.dialect.begin_write()).await?)
    }

    /// Runs one statement that must change a row.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] of `what` when it changes none.
    pub(crate) async fn change(
        &self,
        statement: Query<'_, Any, AnyArguments>,
        what: &'static str,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        require_affected(&statement.execute(&mut *tx).await?, what)?;
        Ok(tx.commit().await?)
    }
}

/// Checks that a statement changed a row; [`DbError::NotFound`] of `what` if it did not.
pub(crate) fn require_affected(result: &AnyQueryResult, what: &'static str) -> Result<(), DbError> {
    if result.rows_affected() == 0 { Err(DbError::NotFound(what)) } else { Ok(()) }
}
