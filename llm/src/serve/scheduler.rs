//! Requests waiting for the engine: who is next, who is told where they stand, who has gone.
//!
//! One lock, held for as long as it takes to look through the few that wait. The engine's thread comes by between
//! steps, so that a request whose deadline passes while it waits hears of it at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::{GenerateError, GenerationEvent, Sampling};
use tokio::sync::mpsc::UnboundedSender;

use crate::sampling::TokenMask;

/// The engine's end of the way to a reader.
pub(crate) type EventSender = UnboundedSender<Result<GenerationEvent, GenerateError>>;

/// A request, ready to compute.
pub(crate) struct Job {
    /// Tokens of the prompt; at least one.
    pub(crate) prompt: Vec<u32>,
    /// How tokens are chosen.
    pub(crate) sampling: Sampling,
    /// Which tokens may be chosen; `None` for all.
    pub(crate) mask: Option<TokenMask>,
    /// Most tokens to write.
    pub(crate) max_tokens: usize,
    /// Texts that end the answer.
    pub(crate) stop: Vec<String>,
    /// When it is too late; `None` if that is beyond what the clock counts.
    pub(crate) deadline: Option<Instant>,
    /// The way to the reader. Unbounded, because the engine waits for no reader; an answer is bounded by its tokens.
    pub(crate) events: EventSender,
    /// The position last told to the reader.
    pub(crate) told_position: usize,
}

impl Job {
    /// Tells the reader. That the reader has gone is noticed elsewhere.
    pub(crate) fn send(&self, event: Result<GenerationEvent, GenerateError>) {
        let _ = self.events.send(event);
    }

    /// Most tokens of prompt and answer together.
    pub(crate) fn most_tokens(&self) -> usize {
        self.prompt.len().saturating_add(self.max_tokens)
    }

    /// Whether the reader has gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.events.is_closed()
    }

    /// Whether it is too late.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The waiting line of one engine.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Most requests that are answered at the same time.
    places: usize,
    /// Most requests that wait beside them.
    capacity: usize,
}

struct State {
    waiting: VecDeque<Job>,
    running: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(places: usize, capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), running: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), places: places.max(1), capacity }
    }

    /// Puts a request at the end of the line, or refuses at once.
    pub(crate) fn submit(&self, job: Job) -> Result<(), GenerateError> {
        let mut state = self.lock();
        if state.closed {
            return Err(shutting_down());
        }
        state.sweep();
        if state.waiting.len() + state.running >= self.places.saturating_add(self.capacity) {
            return Err(GenerateError::Overloaded);
        }
        state.waiting.push_back(job);
        // Who finds a free place is taken before the next step, and need not hear of a line.
        if state.waiting.len() + state.running > self.places {
            state.tell_positions();
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the first request if there is a place and `take` makes something of it; whom it leaves waits at the
    /// head of the line, so that a long request is not passed by for ever by short ones.
    pub(crate) fn take<T>(&self, take: impl FnOnce(&Job) -> Option<T>) -> Option<(Job, T)> {
        let mut state = self.lock();
        state.sweep();
        if state.running >= self.places {
            return None;
        }
        let taken = take(state.waiting.front()?)?;
        let job = state.waiting.pop_front()?;
        state.running += 1;
        Some((job, taken))
    }

    /// Waits until there is a request. Returns whether the queue is still open.
    pub(crate) fn wait(&self) -> bool {
        let mut state = self.lock();
        while !state.closed && state.waiting.is_empty() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// To be called once for each request taken, when it is over.
    pub(crate) fn finish(&self) {
        self.lock().running -= 1;
    }

    /// Drops requests whose readers have gone or whose deadline has passed, and tells the others where they stand.
    /// Returns whether the queue is still open.
    pub(crate) fn sweep(&self) -> bool {
        let mut state = self.lock();
        state.sweep();
        state.tell_positions();
        !state.closed
    }

    /// Refuses all requests from now on, waiting ones included.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for job in state.waiting.drain(..) {
            job.send(Err(shutting_down()));
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn sweep(&mut self) {
        self.waiting.retain(|job| {
            let late = job.is_late();
            if late {
                job.send(Err(GenerateError::DeadlineExceeded));
            }
            !late && !job.is_abandoned()
        });
    }

    /// The first in line has one turn to wait for: until a place is free.
    fn tell_positions(&mut self) {
        for (position, job) in (1..).zip(&mut self.waiting) {
            if position != job.told_position {
                job.told_position = position;
                job.send(Ok(GenerationEvent::Queued { position }));
            }
        }
    }
}

/// What requests hear when the engine is told to end.
pub(crate) fn shutting_down() -> GenerateError {
    GenerateError::Unavailable("the engine is shutting down".to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    type Events = UnboundedReceiver<Result<GenerationEvent, GenerateError>>;

    fn job(deadline: Option<Instant>) -> (Job, Events) {
        let (events, reader) = unbounded_channel();
        let sampling = Sampling::GREEDY;
        let job = Job {
            prompt: vec![0],
            sampling,
            mask: None,
            max_tokens: 1,
            stop: Vec::new(),
            deadline,
            events,
            told_position: 0,
        };
        (job, reader)
    }

    fn positions(reader: &mut Events) -> Vec<usize> {
        let mut positions = Vec::new();
        while let Ok(Ok(GenerationEvent::Queued { position })) = reader.try_recv() {
            positions.push(position);
        }
        positions
    }

    fn take(queue: &Queue) -> Job {
        queue.take(|_| Some(())).expect("someone waits, and there is a place").0
    }

    #[test]
    fn those_who_wait_hear_each_time_they_move_up() {
        let queue = Queue::new(1, 2);
        let (jobs, mut readers): (Vec<_>, Vec<_>) = (0..3).map(|_| job(None)).unzip();
        for (number, job) in jobs.into_iter().enumerate() {
            queue.submit(job).expect("there is room");
            if number == 0 {
                take(&queue);
            }
        }
        assert!(matches!(queue.submit(job(None).0), Err(GenerateError::Overloaded)));
        assert!(queue.take(|_| Some(())).is_none(), "the one place is taken");
        queue.finish();
        take(&queue);
        queue.sweep();
        let heard: Vec<_> = readers.iter_mut().map(positions).collect();
        assert_eq!(heard, [vec![], vec![1], vec![2, 1]]);
    }

    #[test]
    fn whom_there_is_no_room_for_keeps_its_turn() {
        let queue = Queue::new(2, 2);
        let (jobs, _readers): (Vec<_>, Vec<_>) = (0..2).map(|_| job(None)).unzip();
        for (at, mut job) in jobs.into_iter().enumerate() {
            job.max_tokens = at;
            queue.submit(job).expect("there is room");
        }
        assert!(queue.take(|job| (job.max_tokens == 1).then_some(())).is_none());
        assert_eq!((take(&queue).max_tokens, take(&queue).max_tokens), (0, 1));
    }

    #[test]
    fn the_gone_and_the_late_leave_their_places() {
        let queue = Queue::new(1, 0);
        let (gone, reader) = job(None);
        queue.submit(gone).expect("there is room");
        drop(reader);
        let (late, mut late_reader) = job(Some(Instant::now()));
        queue.submit(late).expect("the gone one made room");
        let (last, _reader) = job(None);
        queue.submit(last).expect("the late one made room");
        assert!(matches!(late_reader.try_recv(), Ok(Err(GenerateError::DeadlineExceeded))));
    }

    #[test]
    fn closing_turns_everyone_away() {
        let queue = Queue::new(1, 1);
        let (waiting, mut reader) = job(None);
        queue.submit(waiting).expect("there is room");
        queue.close();
        assert!(matches!(reader.try_recv(), Ok(Err(GenerateError::Unavailable(_)))));
        assert!(matches!(queue.submit(job(None).0), Err(GenerateError::Unavailable(_))));
        assert!(!queue.wait() && !queue.sweep());
    }
}
