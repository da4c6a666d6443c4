//! Locks documents, so that at most one job of this process changes a document at a time.
//!
//! Without the lock, two uploads of the same source would write and remove the chunks of the same pending version.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::DocumentId;
use tokio::sync::OwnedMutexGuard;

/// Locks by document. A lock exists while somebody holds or awaits it.
#[derive(Default)]
pub(crate) struct DocumentLocks {
    locks: Mutex<HashMap<DocumentId, Arc<tokio::sync::Mutex<()>>>>,
}

impl DocumentLocks {
    /// Waits until nobody else holds the lock of `document`; dropping the guard releases it.
    pub(crate) async fn acquire(&self, document: DocumentId) -> OwnedMutexGuard<()> {
        self.lock_of(document).lock_owned().await
    }

    /// The lock of `document`, if nobody else holds it.
    pub(crate) fn try_acquire(&self, document: DocumentId) -> Option<OwnedMutexGuard<()>> {
        self.lock_of(document).try_lock_owned().ok()
    }

    fn lock_of(&self, document: DocumentId) -> Arc<tokio::sync::Mutex<()>> {
        // The map is consistent at every moment, so a panic of another holder does no harm.
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(document).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CollectionId, WorkspaceId};

    #[tokio::test]
    async fn the_same_document_waits_and_another_does_not() {
        let locks = DocumentLocks::default();
        let collection = CollectionId::derive(WorkspaceId::DEFAULT, "handbook");
        let (leave, travel) =
            (DocumentId::derive(collection, "leave.md"), DocumentId::derive(collection, "travel.md"));
        let first = locks.acquire(leave).await;
        drop(locks.acquire(travel).await);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), locks.acquire(leave)).await;
        assert!(waited.is_err());
        assert!(locks.try_acquire(leave).is_none());
        drop(first);
        drop(locks.acquire(leave).await);
    }
}
