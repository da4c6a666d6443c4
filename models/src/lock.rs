//! Locks a model, so that one process at a time downloads it.
//!
//! The kernel releases the lock when its process ends, so a crash leaves none behind. The lock file itself
//! stays: removing it would let two processes lock two files of the same name.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::ModelError;
use crate::progress::{Notice, Progress};

/// How often a waiting process tries to take the lock.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Held while a model is being installed. Blocking work holds a clone: it is not cancelled with the download that
/// started it, and must not continue unlocked.
#[derive(Debug, Clone)]
pub(crate) struct EntryLock(#[expect(dead_code, reason = "held for its drop")] Arc<File>);

impl EntryLock {
    /// Waits until no other process installs `model`, at most for `timeout`.
    pub(crate) async fn acquire(
        path: &Path,
        model: &str,
        timeout: Duration,
        progress: &dyn Progress,
    ) -> Result<Self, ModelError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(ModelError::io(path))?;
        let deadline = Instant::now() + timeout;
        let mut has_noted = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Arc::new(file))),
                Err(TryLockError::Error(error)) => return Err(ModelError::io(path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(ModelError::Locked { model: model.to_owned() });
                }
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut has_noted, true) {
                        progress.note(&Notice::WaitsForOther { model: model.to_owned() });
                    }
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_not_forever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.lock");
        let wait = |timeout| EntryLock::acquire(&path, "model", timeout, &NoProgress);
        let first = wait(Duration::ZERO).await.unwrap();
        assert!(matches!(wait(Duration::ZERO).await, Err(ModelError::Locked { .. })));
        let kept_by_blocking_work = first.clone();
        drop(first);
        assert!(matches!(wait(Duration::ZERO).await, Err(ModelError::Locked { .. })));
        drop(kept_by_blocking_work);
        wait(Duration::ZERO).await.unwrap();
    }
}
