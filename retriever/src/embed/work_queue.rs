//! Queues work for threads that own a model, first come, first served.
//!
//! A caller cancels by dropping its future: the queue discards a job without a waiting caller when its turn comes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use tokio::sync::oneshot;

/// A handle of the queue, for callers and threads. Dropping any handle closes the queue, also by a panic of a thread, so
/// that no caller waits for ever.
pub(super) struct WorkQueue<Work, Answer, Error>(Arc<Shared<Work, Answer, Error>>);

/// The threads have ended without an answer.
pub(super) struct Stopped;

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
    Error: From<Stopped> + Send + 'static,
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
                // The caller may have given up meanwhile.
                let _ = reply.send(answer(work));
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(serve).map(drop)
    }

    /// Queues the work and waits for the answers, in order; the first error cancels the rest.
    pub(super) async fn run(&self, all: impl IntoIterator<Item = Work>) -> Result<Vec<Answer>, Error> {
        try_join_all(self.0.push(all).into_iter().map(wait)).await
    }
}

async fn wait<Answer, Error: From<Stopped>>(
    reply: oneshot::Receiver<Result<Answer, Error>>,
) -> Result<Answer, Error> {
    reply.await.unwrap_or_else(|_| Err(Stopped.into()))
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
