//! One piece of work at a time per document, within this process.
//!
//! Two uploads of the same source would otherwise write and remove the chunks of the same pending version at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::DocumentId;
use tokio::sync::OwnedMutexGuard;

/// Locks that exist while somebody holds or awaits them.
#[derive(Default)]
pub(crate) struct DocumentLocks {
    locks: Mutex<HashMap<DocumentId, Arc<tokio::sync::Mutex<()>>>>,
}

impl DocumentLocks {
    /// Waits until nobody else works on `document`; the guard's end lets the next one in.
    pub(crate) async fn acquire(&self, document: DocumentId) -> OwnedMutexGuard<()> {
        let lock = {
            // The map is in order at every moment, so a panic elsewhere while it was held does no harm.
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            locks.entry(document).or_default().clone()
        };
        lock.lock_owned().await
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
        drop(first);
        drop(locks.acquire(leave).await);
    }
}
