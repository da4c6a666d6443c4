//! Locks a PostgreSQL database for one process: two of them would take each other's jobs and answers for those of a dead
//! process, and not learn of each other's indexes.
//!
//! The lock is an advisory one on a connection of its own, so it ends with the process however that ends. The name of the
//! connection tells others who has it. An SQLite file needs none: its data directory has a lock.

use std::time::Duration;

use sqlx::AnyConnection;
use tokio::time::{Instant, sleep};

use crate::database::Database;
use crate::decode;
use crate::dialect::Dialect;
use crate::error::DbError;

/// `daedap` in ASCII. PostgreSQL lists a key by its two halves.
const KEY: i64 = (KEY_HIGH << 32) | KEY_LOW;
const KEY_HIGH: i64 = 0x6461;
const KEY_LOW: i64 = 0x6564_6170;

/// A killed process keeps its lock until the server has noticed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_POLL: Duration = Duration::from_millis(200);

/// A process whose machine is gone loses its lock within a minute and a half.
const KEEP_ALIVE: &str =
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 15; SET tcp_keepalives_count = 4";

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct ProcessLock {
    /// `None` for SQLite.
    connection: Option<AnyConnection>,
}

/// An attempt to lock a database.
#[derive(Debug)]
pub enum LockAttempt {
    /// This process has the lock.
    Locked(ProcessLock),
    /// Another process has it: its name and its address.
    HeldBy(String),
}

impl Database {
    /// Locks the database for this process, which others are told by the name `holder`, at most 63 bytes of it.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn lock_for_process(&self, holder: &str) -> Result<LockAttempt, DbError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(LockAttempt::Locked(ProcessLock { connection: None }));
        }
        let mut connection = self.writes.acquire().await?.detach();
        sqlx::raw_sql(KEEP_ALIVE).execute(&mut connection).await?;
        let end = Instant::now() + ACQUIRE_TIMEOUT;
        while !try_lock(&mut connection).await? {
            if Instant::now() >= end {
                return Ok(LockAttempt::HeldBy(holder_of(&mut connection).await?));
            }
            sleep(ACQUIRE_POLL).await;
        }
        let mut lock = ProcessLock { connection: Some(connection) };
        lock.rename(holder).await?;
        Ok(LockAttempt::Locked(lock))
    }
}

impl ProcessLock {
    /// Tells others another name of this process.
    ///
    /// # Errors
    ///
    /// Connection errors; then the lock is lost.
    pub async fn rename(&mut self, holder: &str) -> Result<(), DbError> {
        if let Some(connection) = &mut self.connection {
            sqlx::query("SELECT set_config('application_name', $1, false)")
                .bind(holder)
                .execute(connection)
                .await?;
        }
        Ok(())
    }

    /// Checks that the lock is still held.
    ///
    /// # Errors
    ///
    /// Connection errors; then the lock is lost.
    pub async fn check(&mut self) -> Result<(), DbError> {
        if let Some(connection) = &mut self.connection {
            sqlx::query("SELECT 1").execute(connection).await?;
        }
        Ok(())
    }
}

async fn try_lock(connection: &mut AnyConnection) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1::bigint ELSE 0 END AS locked")
        .bind(KEY)
        .fetch_one(connection)
        .await?;
    decode::flag(&row, "locked")
}

async fn holder_of(connection: &mut AnyConnection) -> Result<String, DbError> {
    let row = sqlx::query(
        "SELECT COALESCE(a.application_name, '') || COALESCE(' from ' || host(a.client_addr), '') AS holder \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = $2 \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(KEY_HIGH)
    .bind(KEY_LOW)
    .fetch_optional(connection)
    .await?;
    // It may have ended in this moment.
    row.map_or(Ok("another process".to_owned()), |row| decode::text(&row, "holder"))
}
