//! Requests waiting for the engine: who is next, who is told where they stand, who has gone.
//!
//! One lock, held for as long as it takes to look through the few that wait. The engine's thread comes by between
//! steps, so that a request whose deadline passes while it waits hears of it at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::{GenerateError, GenerationEvent, Sampling};
use tokio::sync::mpsc::UnboundedSender;

/// A request, ready to compute.
pub(crate) struct Job {
    /// Tokens of the prompt; at least one.
    pub(crate) prompt: Vec<u32>,
    /// How tokens are chosen.
    pub(crate) sampling: Sampling,
    /// Most tokens to write.
    pub(crate) max_tokens: usize,
    /// Texts that end the answer.
    pub(crate) stop: Vec<String>,
    /// When it is too late; `None` if that is beyond what the clock counts.
    pub(crate) deadline: Option<Instant>,
    /// The way to the reader. Unbounded, because the engine waits for no reader; an answer is bounded by its tokens.
    pub(crate) events: UnboundedSender<Result<GenerationEvent, GenerateError>>,
    /// The position last told to the reader.
    pub(crate) told_position: usize,
}

impl Job {
    /// Tells the reader. That the reader has gone is noticed elsewhere.
    pub(crate) fn send(&self, event: Result<GenerationEvent, GenerateError>) {
        let _ = self.events.send(event);
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
    /// Most requests that wait while another is answered.
    capacity: usize,
}

struct State {
    waiting: VecDeque<Job>,
    running: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), running: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// Puts a request at the end of the line, or refuses at once.
    pub(crate) fn submit(&self, job: Job) -> Result<(), GenerateError> {
        let mut state = self.lock();
        if state.closed {
            return Err(shutting_down());
        }
        state.sweep();
        if state.waiting.len() + state.running > self.capacity {
            return Err(GenerateError::Overloaded);
        }
        state.waiting.push_back(job);
        state.tell_positions();
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next request; `None` when the queue is closed.
    pub(crate) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            state.sweep();
            if state.closed {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                state.running += 1;
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// To be called once for each request taken, when it is over.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.running -= 1;
        state.tell_positions();
    }

    /// Drops requests whose readers have gone or whose deadline has passed. Returns whether the queue is still open.
    pub(crate) fn sweep(&self) -> bool {
        let mut state = self.lock();
        state.sweep();
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
        self.tell_positions();
    }

    fn tell_positions(&mut self) {
        for (position, job) in (self.running..).zip(&mut self.waiting) {
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
    use std::time::Duration;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    type Events = UnboundedReceiver<Result<GenerationEvent, GenerateError>>;

    fn job(deadline: Option<Instant>) -> (Job, Events) {
        let (events, reader) = unbounded_channel();
        let sampling = Sampling::GREEDY;
        let job = Job {
            prompt: vec![0],
            sampling,
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

    #[test]
    fn those_who_wait_hear_each_time_they_move_up() {
        let queue = Queue::new(2);
        let (jobs, mut readers): (Vec<_>, Vec<_>) = (0..3).map(|_| job(None)).unzip();
        for (number, job) in jobs.into_iter().enumerate() {
            queue.submit(job).expect("there is room");
            if number == 0 {
                queue.next().expect("it is open");
            }
        }
        assert!(matches!(queue.submit(job(None).0), Err(GenerateError::Overloaded)));
        queue.finish();
        queue.next().expect("it is open");
        queue.sweep();
        queue.finish();
        let heard: Vec<_> = readers.iter_mut().map(positions).collect();
        assert_eq!(heard, [vec![], vec![1, 0], vec![2, 1, 0]]);
    }

    #[test]
    fn the_gone_and_the_late_leave_their_places() {
        let queue = Queue::new(1);
        let (gone, reader) = job(None);
        queue.submit(gone).expect("there is room");
        drop(reader);
        let (late, mut late_reader) = job(Some(Instant::now() + Duration::from_millis(5)));
        queue.submit(late).expect("the gone one made room");
        std::thread::sleep(Duration::from_millis(10));
        let (last, _reader) = job(None);
        queue.submit(last).expect("the late one made room");
        assert!(matches!(late_reader.try_recv(), Ok(Err(GenerateError::DeadlineExceeded))));
    }

    #[test]
    fn closing_turns_everyone_away() {
        let queue = Queue::new(1);
        let (waiting, mut reader) = job(None);
        queue.submit(waiting).expect("there is room");
        queue.close();
        assert!(matches!(reader.try_recv(), Ok(Err(GenerateError::Unavailable(_)))));
        assert!(matches!(queue.submit(job(None).0), Err(GenerateError::Unavailable(_))));
        assert!(queue.next().is_none() && !queue.sweep());
    }
}
