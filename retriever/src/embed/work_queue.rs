//! Queues work for threads that own a model, first come, first served.
//!
//! A caller cancels by dropping its future: the queue discards a job without a waiting caller when its turn comes. A panic
//! is the answer to the job that caused it; the thread goes on with the next one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use tokio::sync::oneshot;

/// A handle of the queue, for callers and threads. Dropping any handle closes the queue, also where a thread ends for a
/// reason that nobody foresaw, so that no caller waits for ever.
pub(super) struct WorkQueue<Work, Answer, Error>(Arc<Shared<Work, Answer, Error>>);

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    /// The threads have ended.
    #[error("its thread has ended")]
    Stopped,
    /// The work made the thread panic.
    #[error("it panicked")]
    Panicked,
}

struct Job<Work, Answer, Error> {
    work: Work,
    reply: oneshot::Sender<Result<Answer, Error>>,
}

struct Jobs<Work, Answer, Error> {
    waiting: VecDeque<Job<Work, Answer, Error>>,
    is_closed: bool,
}

struct Shared<Work, Answer, Error> {
    jobs: Mutex<Jobs<Work, Answer, Error>>,
    changed: Condvar,
}

impl<Work, Answer, Error> WorkQueue<Work, Answer, Error>
where
    Work: Send + 'static,
    Answer: Send + 'static,
    Error: From<NoAnswer> + Send + 'static,
{
    pub(super) fn new() -> Self {
        let jobs = Mutex::new(Jobs { waiting: VecDeque::new(), is_closed: false });
        Self(Arc::new(Shared { jobs, changed: Condvar::new() }))
    }

    /// Starts a thread that calls `setup` once, then `answer` for each job.
    pub(super) fn start_thread(
        &self,
        name: &str,
        setup: impl FnOnce() + Send + 'static,
        mut answer: impl FnMut(Work) -> Result<Answer, Error> + Send + 'static,
    ) -> std::io::Result<()> {
        let queue = Self(Arc::clone(&self.0));
        let serve = move || {
            setup();
            while let Some(Job { work, reply }) = queue.0.next() {
                // The models have no state that lasts from one job to the next.
                let answered = catch_unwind(AssertUnwindSafe(|| answer(work)));
                // The caller may have given up meanwhile.
                let _ = reply.send(answered.unwrap_or_else(|_| Err(NoAnswer::Panicked.into())));
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(serve).map(drop)
    }

    /// Whether its threads run.
    pub(super) fn is_open(&self) -> bool {
        !self.0.lock().is_closed
    }

    /// Queues the work and waits for the answers, in order; the first error cancels the rest.
    pub(super) async fn run(&self, all: impl IntoIterator<Item = Work>) -> Result<Vec<Answer>, Error> {
        try_join_all(self.0.push(all).into_iter().map(wait)).await
    }
}

async fn wait<Answer, Error: From<NoAnswer>>(
    reply: oneshot::Receiver<Result<Answer, Error>>,
) -> Result<Answer, Error> {
    reply.await.unwrap_or_else(|_| Err(NoAnswer::Stopped.into()))
}

impl<Work, Answer, Error> Drop for WorkQueue<Work, Answer, Error> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<Work, Answer, Error> Shared<Work, Answer, Error> {
    /// A poisoned lock is harmless: the queue holds complete jobs at every moment.
    fn lock(&self) -> MutexGuard<'_, Jobs<Work, Answer, Error>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job with a waiting caller; `None` once the queue is closed.
    fn next(&self) -> Option<Job<Work, Answer, Error>> {
        let mut jobs = self.lock();
        loop {
            if jobs.is_closed {
                return None;
            }
            match jobs.waiting.pop_front() {
                Some(job) if job.reply.is_closed() => {}
                Some(job) => return Some(job),
                None => jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn push(&self, all: impl IntoIterator<Item = Work>) -> Vec<oneshot::Receiver<Result<Answer, Error>>> {
        let mut jobs = self.lock();
        let queued = all.into_iter().map(|work| {
            let (reply, receiver) = oneshot::channel();
            if !jobs.is_closed {
                jobs.waiting.push_back(Job { work, reply });
            }
            receiver
        });
        let replies = queued.collect();
        self.changed.notify_all();
        replies
    }

    fn close(&self) {
        let mut jobs = self.lock();
        // Dropping a job wakes its caller with an error.
        *jobs = Jobs { waiting: VecDeque::new(), is_closed: true };
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> WorkQueue<i32, i32, NoAnswer> {
        let queue = WorkQueue::new();
        let half = |number: i32| {
            assert!(number % 2 == 0, "{number} is odd");
            Ok(number / 2)
        };
        queue.start_thread("halves", || {}, half).expect("a thread");
        queue
    }

    #[tokio::test]
    async fn a_panic_is_the_answer_to_its_job_alone() {
        let queue = queue();
        for _ in 0..3 {
            assert_eq!(queue.run([7]).await, Err(NoAnswer::Panicked));
            assert_eq!(queue.run([8, 2]).await, Ok(vec![4, 1]));
        }
        assert!(queue.is_open());
    }

    #[tokio::test]
    async fn a_queue_without_its_thread_is_closed() {
        let queue = WorkQueue::<i32, i32, NoAnswer>::new();
        queue.start_thread("never", || panic!("no thread for this"), Ok).expect("a thread");
        assert_eq!(queue.run([1]).await, Err(NoAnswer::Stopped));
        assert!(!queue.is_open());
    }
}
