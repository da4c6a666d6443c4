//! Work for threads that own a model, first come, first served.
//!
//! Work that nobody waits for any more is dropped when its turn comes: whoever goes away, or has waited long enough,
//! has nothing to tell the thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use tokio::sync::oneshot;

/// The queue, as those see it who ask and as its threads do. It closes when either goes away, a thread by a panic too,
/// so that nobody waits for ever.
pub(super) struct Queue<Work, Answer, Error>(Arc<Shared<Work, Answer, Error>>);

/// Said to those who wait: the threads have ended.
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

impl<Work, Answer, Error> Queue<Work, Answer, Error>
where
    Work: Send + 'static,
    Answer: Send + 'static,
    Error: From<Stopped> + Send + 'static,
{
    pub(super) fn new() -> Self {
        let jobs = Mutex::new(Jobs { waiting: VecDeque::new(), is_closed: false });
        Self(Arc::new(Shared { jobs, changed: Condvar::new() }))
    }

    /// Starts a thread that does this work, after it has called `begin`.
    pub(super) fn serve(
        &self,
        thread: &str,
        begin: impl FnOnce() + Send + 'static,
        mut answer: impl FnMut(Work) -> Result<Answer, Error> + Send + 'static,
    ) -> std::io::Result<()> {
        let queue = Self(Arc::clone(&self.0));
        let serve = move || {
            begin();
            while let Some(Job { work, reply }) = queue.0.next() {
                // The one who asked may have gone away meanwhile; the answer is of no use to anyone else.
                let _ = reply.send(answer(work));
            }
        };
        std::thread::Builder::new().name(thread.to_owned()).spawn(serve).map(drop)
    }

    /// The answers, in the order of what is asked; the first error takes back the rest.
    pub(super) async fn ask(&self, all: impl IntoIterator<Item = Work>) -> Result<Vec<Answer>, Error> {
        try_join_all(self.0.push(all).into_iter().map(wait)).await
    }
}

async fn wait<Answer, Error: From<Stopped>>(
    reply: oneshot::Receiver<Result<Answer, Error>>,
) -> Result<Answer, Error> {
    reply.await.unwrap_or_else(|_| Err(Stopped.into()))
}

impl<Work, Answer, Error> Drop for Queue<Work, Answer, Error> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<Work, Answer, Error> Shared<Work, Answer, Error> {
    /// A panic while the lock is held leaves whole jobs in the queue, never half of one.
    fn lock(&self) -> MutexGuard<'_, Jobs<Work, Answer, Error>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job that somebody still waits for; `None` once the queue is closed.
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
        // Dropping the jobs tells those who wait for them.
        *jobs = Jobs { waiting: VecDeque::new(), is_closed: true };
        self.changed.notify_all();
    }
}
