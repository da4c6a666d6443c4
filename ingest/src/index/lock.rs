//! Locks the live index against being replaced while jobs write to it.
//!
//! Storing a document belongs to one index, from its first chunk until its version is published, and so does a sweep,
//! whose list is about one index. Both hold a lock meanwhile; a switch to another index takes both. Sweeps have a lock of
//! their own: storing a long document takes minutes, and deleting another one must not wait that long.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard};

/// While it is held, nobody stores.
pub(crate) type StoringPaused = OwnedRwLockWriteGuard<()>;

/// The locks of the live index.
#[derive(Default)]
pub(crate) struct IndexLock {
    storing: Arc<RwLock<()>>,
    sweeping: Mutex<()>,
}

impl IndexLock {
    /// Taken to store a document; many at a time.
    pub(crate) async fn store(&self) -> RwLockReadGuard<'_, ()> {
        self.storing.read().await
    }

    /// Taken to sweep; one at a time.
    pub(crate) async fn sweep(&self) -> MutexGuard<'_, ()> {
        self.sweeping.lock().await
    }

    /// Waits until nobody stores, and keeps others from starting to.
    pub(crate) async fn pause_storing(&self) -> StoringPaused {
        self.storing.clone().write_owned().await
    }
}
