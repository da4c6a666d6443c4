//! Queues requests, and admits them to the batch in order while slots are free.
//!
//! One lock, held for as long as it takes to go through the few requests that wait. The engine's thread calls between
//! two steps, so that a request whose deadline passes in the queue is answered at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use domain::{GenerateError, GenerationEvent, Ticket};
use tokio::sync::Semaphore;

use crate::serve::request::{Request, shutting_down};

/// The queue of one engine.
pub(crate) struct Scheduler {
    state: Mutex<State>,
    changed: Condvar,
    /// Maximum requests in the batch.
    slots: usize,
    /// One permit for each request in the batch or the queue, also for one that is still being prepared.
    tickets: Arc<Semaphore>,
}

struct State {
    waiting: VecDeque<Request>,
    running: usize,
    closed: bool,
    /// Whether cached prefixes are to be forgotten.
    forgets: bool,
}

impl Scheduler {
    pub(crate) fn new(slots: usize, queue_length: usize) -> Self {
        let state = State { waiting: VecDeque::new(), running: 0, closed: false, forgets: false };
        let slots = slots.max(1);
        let tickets = slots.saturating_add(queue_length).min(Semaphore::MAX_PERMITS);
        let tickets = Arc::new(Semaphore::new(tickets));
        Self { state: Mutex::new(state), changed: Condvar::new(), slots, tickets }
    }

    /// Reserves a request: a slot, or a position in the queue.
    pub(crate) fn reserve(&self) -> Result<Ticket, GenerateError> {
        let mut state = self.lock();
        if state.closed {
            return Err(shutting_down());
        }
        state.drop_expired();
        let permit = Arc::clone(&self.tickets).try_acquire_owned();
        permit.map(Ticket::new).map_err(|_| GenerateError::Overloaded)
    }

    /// Queues a request that was reserved.
    pub(crate) fn submit(&self, request: Request) -> Result<(), GenerateError> {
        let mut state = self.lock();
        if state.closed {
            return Err(shutting_down());
        }
        state.waiting.push_back(request);
        // A request that finds a free slot is admitted before the next step, without a position in the queue.
        if state.waiting.len() + state.running > self.slots {
            state.report_positions();
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Admits the first request if a slot is free and `reserve` returns what the request needs. If it returns `None`,
    /// the request stays first, so that short requests do not overtake a long one forever.
    pub(crate) fn admit<T>(&self, reserve: impl FnOnce(&Request) -> Option<T>) -> Option<(Request, T)> {
        let mut state = self.lock();
        state.drop_expired();
        if state.running >= self.slots {
            return None;
        }
        let reserved = reserve(state.waiting.front()?)?;
        let request = state.waiting.pop_front()?;
        state.running += 1;
        Some((request, reserved))
    }

    /// Asks the engine's thread to forget cached prefixes.
    pub(crate) fn request_forgetting(&self) {
        self.lock().forgets = true;
        self.changed.notify_all();
    }

    /// Whether cached prefixes are to be forgotten; a request counts once.
    pub(crate) fn take_forgetting(&self) -> bool {
        std::mem::take(&mut self.lock().forgets)
    }

    /// Waits until a request is queued, or prefixes are to be forgotten. Returns whether the scheduler is still open.
    pub(crate) fn wait(&self) -> bool {
        let mut state = self.lock();
        while !state.closed && !state.forgets && state.waiting.is_empty() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// Frees the slot of a request. To be called once for each admitted request, when it is over.
    pub(crate) fn release_slot(&self) {
        self.lock().running -= 1;
    }

    /// Frees all slots, after the batch was lost.
    pub(crate) fn release_all_slots(&self) {
        self.lock().running = 0;
    }

    /// Drops requests whose readers are gone or whose deadline has passed, and reports the positions of the others.
    /// Returns whether the scheduler is still open.
    pub(crate) fn update_queue(&self) -> bool {
        let mut state = self.lock();
        state.drop_expired();
        state.report_positions();
        !state.closed
    }

    /// Refuses all requests from now on, waiting ones included.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for mut request in state.waiting.drain(..) {
            request.finish(Err(shutting_down()));
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops requests whose readers are gone or whose deadline has passed.
    fn drop_expired(&mut self) {
        self.waiting.retain_mut(|request| {
            let expired = request.is_expired();
            if expired {
                request.finish(Err(GenerateError::DeadlineExceeded));
            }
            !expired && !request.is_abandoned()
        });
    }

    /// Tells readers whose position has changed. The first in the queue has position 1.
    fn report_positions(&mut self) {
        for (position, request) in (1..).zip(&mut self.waiting) {
            if position != request.reported_position {
                request.reported_position = position;
                request.send(Ok(GenerationEvent::Queued { position }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use domain::Sampling;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    type Events = UnboundedReceiver<Result<GenerationEvent, GenerateError>>;

    fn request(scheduler: &Scheduler, deadline: Option<Instant>) -> (Request, Events) {
        let (events, reader) = unbounded_channel();
        let ticket = Some(scheduler.reserve().expect("there is room"));
        let sampling = Sampling::GREEDY;
        let request = Request {
            prompt: vec![0],
            sampling,
            mask: None,
            max_tokens: 1,
            stop: Vec::new(),
            deadline,
            events,
            reported_position: 0,
            ticket,
        };
        (request, reader)
    }

    fn positions(reader: &mut Events) -> Vec<usize> {
        let mut positions = Vec::new();
        while let Ok(Ok(GenerationEvent::Queued { position })) = reader.try_recv() {
            positions.push(position);
        }
        positions
    }

    fn admit(scheduler: &Scheduler) -> Request {
        scheduler.admit(|_| Some(())).expect("a request waits, and a slot is free").0
    }

    #[test]
    fn waiting_requests_are_told_each_time_they_move_up() {
        let scheduler = Scheduler::new(1, 2);
        let (requests, mut readers): (Vec<_>, Vec<_>) = (0..3).map(|_| request(&scheduler, None)).unzip();
        let mut running = Vec::new();
        for (number, request) in requests.into_iter().enumerate() {
            scheduler.submit(request).expect("it is open");
            if number == 0 {
                running.push(admit(&scheduler));
            }
        }
        assert!(matches!(scheduler.reserve(), Err(GenerateError::Overloaded)));
        assert!(scheduler.admit(|_| Some(())).is_none(), "the one slot is taken");
        scheduler.release_slot();
        running.push(admit(&scheduler));
        scheduler.update_queue();
        let heard: Vec<_> = readers.iter_mut().map(positions).collect();
        assert_eq!(heard, [vec![], vec![1], vec![2, 1]]);
    }

    #[test]
    fn a_request_without_room_stays_first() {
        let scheduler = Scheduler::new(2, 2);
        let (requests, _readers): (Vec<_>, Vec<_>) = (0..2).map(|_| request(&scheduler, None)).unzip();
        for (at, mut request) in requests.into_iter().enumerate() {
            request.max_tokens = at;
            scheduler.submit(request).expect("it is open");
        }
        assert!(scheduler.admit(|request| (request.max_tokens == 1).then_some(())).is_none());
        assert_eq!((admit(&scheduler).max_tokens, admit(&scheduler).max_tokens), (0, 1));
    }

    #[test]
    fn abandoned_and_expired_requests_leave_the_queue() {
        let scheduler = Scheduler::new(1, 0);
        let (gone, reader) = request(&scheduler, None);
        scheduler.submit(gone).expect("it is open");
        drop(reader);
        let (late, mut late_reader) = request(&scheduler, Some(Instant::now()));
        scheduler.submit(late).expect("the gone one made room");
        let (last, _reader) = request(&scheduler, None);
        scheduler.submit(last).expect("the late one made room");
        assert!(matches!(late_reader.try_recv(), Ok(Err(GenerateError::DeadlineExceeded))));
    }

    #[test]
    fn a_ticket_counts_before_its_request_is_queued_and_not_after_it_is_dropped() {
        let scheduler = Scheduler::new(1, 1);
        let (first, second) = (scheduler.reserve(), scheduler.reserve());
        assert!(matches!(scheduler.reserve(), Err(GenerateError::Overloaded)));
        drop(first);
        let third = scheduler.reserve();
        assert!(second.is_ok() && third.is_ok());
    }

    #[test]
    fn closing_refuses_all_requests() {
        let scheduler = Scheduler::new(1, 1);
        let (waiting, mut reader) = request(&scheduler, None);
        let (late, _late_reader) = request(&scheduler, None);
        scheduler.submit(waiting).expect("it is open");
        scheduler.close();
        assert!(matches!(reader.try_recv(), Ok(Err(GenerateError::Unavailable(_)))));
        assert!(matches!(scheduler.submit(late), Err(GenerateError::Unavailable(_))));
        assert!(matches!(scheduler.reserve(), Err(GenerateError::Unavailable(_))));
        assert!(!scheduler.wait() && !scheduler.update_queue());
    }
}
