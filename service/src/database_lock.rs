//! Holds the lock on a shared database for as long as this process works on it.

use std::sync::Arc;
use std::time::Duration;

use db::{Database, DbError, LockAttempt, ProcessLock};
use domain::with_causes;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

/// How often the lock is checked: its connection may break.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// Why a process may not work on its database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseLockError {
    /// Another one works on it.
    #[error("the database is in use by {0}; stop it first, or give this one a database of its own")]
    Held(String),
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The lock; clones share it.
#[derive(Clone)]
pub(crate) struct DatabaseLock {
    held: Arc<Mutex<Held>>,
    /// Who took the lock over while the connection was broken.
    taken_over: watch::Sender<Option<String>>,
}

struct Held {
    lock: ProcessLock,
    /// What others are told of this process.
    name: String,
}

impl DatabaseLock {
    /// Locks the database, or says who has it.
    pub(crate) async fn acquire(db: &Database) -> Result<Self, DatabaseLockError> {
        let name = name_of_this_process("a command");
        match db.lock_for_process(&name).await? {
            LockAttempt::Locked(lock) => Ok(Self {
                held: Arc::new(Mutex::new(Held { lock, name })),
                taken_over: watch::Sender::new(None),
            }),
            LockAttempt::HeldBy(holder) => Err(DatabaseLockError::Held(holder)),
        }
    }

    /// Tells others where this process listens.
    pub(crate) async fn announce(&self, url: &str) -> Result<(), DbError> {
        let mut held = self.held.lock().await;
        held.name = name_of_this_process(url);
        let Held { lock, name } = &mut *held;
        lock.rename(name).await
    }

    /// Resolves with the name of the process that took the lock over.
    pub(crate) async fn lost(&self) -> String {
        let mut taken_over = self.taken_over.subscribe();
        match taken_over.wait_for(Option::is_some).await.map(|holder| holder.clone()) {
            Ok(Some(holder)) => holder,
            // The sender lives as long as this value.
            _ => std::future::pending().await,
        }
    }

    /// Checks the lock until `stop`, and takes it again when its connection broke.
    pub(crate) async fn keep(self, db: Database, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(CHECK_EVERY)).await.is_some() {
            let mut held = self.held.lock().await;
            if held.lock.check().await.is_ok() {
                continue;
            }
            match db.lock_for_process(&held.name).await {
                Ok(LockAttempt::Locked(lock)) => held.lock = lock,
                Ok(LockAttempt::HeldBy(holder)) => {
                    tracing::error!(holder, "another process has taken the database over");
                    self.taken_over.send_replace(Some(holder));
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = with_causes(&error), "cannot check the lock on the database");
                }
            }
        }
    }
}

/// What others are told of this process; the beginning counts.
fn name_of_this_process(what: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("daedap: {what}, process {} on {}", std::process::id(), host.trim())
}
