//! Bounds the requests to a server: how many are sent at the same time, and how many wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{GenerateError, Ticket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The queue of one server; clones share it.
#[derive(Clone)]
pub(super) struct Queue {
    slots: Arc<Semaphore>,
    tickets: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn new(parallel: usize, queue_length: usize) -> Self {
        let slots = parallel.clamp(1, Semaphore::MAX_PERMITS);
        let tickets = slots.saturating_add(queue_length).min(Semaphore::MAX_PERMITS);
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            tickets: Arc::new(Semaphore::new(tickets)),
            waiting: Arc::default(),
        }
    }

    pub(super) fn reserve(&self) -> Result<Ticket, GenerateError> {
        let permit = Arc::clone(&self.tickets).try_acquire_owned();
        permit.map(Ticket::new).map_err(|_| GenerateError::Overloaded)
    }

    /// A slot if one is free.
    pub(super) fn try_enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Counts a request that waits from now on.
    pub(super) fn begin_to_wait(&self) -> Waiting {
        let position = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        Waiting { position, waiting: Arc::clone(&self.waiting) }
    }

    /// Waits for a slot.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, GenerateError> {
        let closed = |_| GenerateError::Unavailable("the queue is closed".into());
        Arc::clone(&self.slots).acquire_owned().await.map_err(closed)
    }
}

/// A request that waits for a slot.
pub(super) struct Waiting {
    /// Its position when it began to wait; the first has 1.
    pub(super) position: usize,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
