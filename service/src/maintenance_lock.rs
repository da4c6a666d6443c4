//! Admits one backup or check at a time, because each reads everything there is.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Another backup or check is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a backup or a check is already running; try again when it is done")]
pub struct Busy;

/// The lock that a backup or a check holds while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct MaintenanceLock(Arc<Mutex<()>>);

impl MaintenanceLock {
    /// Takes the lock, or says that it is taken.
    pub(crate) fn try_lock(&self) -> Result<OwnedMutexGuard<()>, Busy> {
        self.0.clone().try_lock_owned().map_err(|_| Busy)
    }
}
