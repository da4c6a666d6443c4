//! Claims originals while they are stored, so that a deletion does not remove bytes that a new row is about to refer to.
//!
//! Between the moment when the bytes of an upload are kept and the moment when a row names them, only the claim says that
//! they are needed. One process uses the originals, so it is kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The claims on originals. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    /// Taken to claim, and for itself alone to remove.
    removing: Arc<RwLock<()>>,
    /// Number of claims by hash; never 0.
    claimed: Arc<Mutex<HashMap<String, usize>>>,
}

/// A claim on one original, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Claims,
    hash: String,
}

impl Claims {
    /// Claims an original; waits for a removal that is running.
    pub(crate) async fn claim(&self, hash: &str) -> Claim {
        let _storing: OwnedRwLockReadGuard<()> = self.removing.clone().read_owned().await;
        *self.lock().entry(hash.to_owned()).or_default() += 1;
        Claim { claims: self.clone(), hash: hash.to_owned() }
    }

    /// Keeps others from claiming until the guard is dropped; `None` if somebody has claimed this original.
    pub(crate) async fn exclude(&self, hash: &str) -> Option<OwnedRwLockWriteGuard<()>> {
        let excluded = self.removing.clone().write_owned().await;
        (!self.lock().contains_key(hash)).then_some(excluded)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // The map is consistent at every moment, so a panic of another holder does no harm.
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = self.claims.lock();
        if let Some(count) = claimed.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                claimed.remove(&self.hash);
            }
        }
    }
}
