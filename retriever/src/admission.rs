//! Bounds retrieval: how many questions are searched for at the same time, and how many wait.
//!
//! Whoever holds a ticket waits and is never refused, so that a question can be refused before anything is stored for it.
//! Callers that are bounded elsewhere, such as answers by the queue of their generator, need no ticket.

use std::sync::Arc;

use domain::Ticket;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Admits retrievals in the order in which they come.
pub(crate) struct Admission {
    slots: Semaphore,
    tickets: Arc<Semaphore>,
}

impl Admission {
    /// At most `parallel` run, and `queue_length` more may hold a ticket.
    pub(crate) fn new(parallel: usize, queue_length: usize) -> Self {
        let slots = parallel.clamp(1, Semaphore::MAX_PERMITS);
        let tickets = slots.saturating_add(queue_length).min(Semaphore::MAX_PERMITS);
        Self { slots: Semaphore::new(slots), tickets: Arc::new(Semaphore::new(tickets)) }
    }

    /// A ticket; `None` where all are out.
    pub(crate) fn reserve(&self) -> Option<Ticket> {
        Arc::clone(&self.tickets).try_acquire_owned().ok().map(Ticket::new)
    }

    /// Waits for a slot; `None` never comes, because nobody closes the semaphore.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn tickets_are_refused_beyond_the_queue_and_slots_are_waited_for() {
        let admission = Admission::new(1, 1);
        let tickets = [admission.reserve().unwrap(), admission.reserve().unwrap()];
        assert!(admission.reserve().is_none());
        let running = admission.enter().await;
        assert!(admission.enter().now_or_never().is_none(), "the one slot is taken");
        drop(running);
        assert!(admission.enter().now_or_never().is_some());
        drop(tickets);
        assert!(admission.reserve().is_some());
    }
}
