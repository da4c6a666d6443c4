//! Who has to wait while another index takes over.
//!
//! A document is stored into one index from its first chunk to its flip, and a sweep removes chunks from the index
//! that its list is about. So both hold the gate while they work, and whoever changes the index closes it. Sweeps have
//! a gate of their own: storing a long document takes minutes, and nobody who deletes one waits that long.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard};

/// Nobody stores while it is held.
pub(crate) type ClosedGate = OwnedRwLockWriteGuard<()>;

/// The two gates of a pipeline.
#[derive(Default)]
pub(crate) struct Gate {
    storing: Arc<RwLock<()>>,
    sweeping: Mutex<()>,
}

impl Gate {
    /// Held by those who store; many at a time.
    pub(crate) async fn store(&self) -> RwLockReadGuard<'_, ()> {
        self.storing.read().await
    }

    /// Held by who sweeps; one at a time.
    pub(crate) async fn sweep(&self) -> MutexGuard<'_, ()> {
        self.sweeping.lock().await
    }

    /// Waits until nobody stores, and lets nobody begin to.
    pub(crate) async fn close(&self) -> ClosedGate {
        self.storing.clone().write_owned().await
    }
}
