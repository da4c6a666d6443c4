//! The thread that owns the model, and its queue.
//!
//! A question must not wait behind a thousand chunks being ingested. So work is queued text by text and questions
//! go first: a question waits for one text at most.
//!
//! Texts are never batched. On a CPU one text fills the cores and a batch only adds padding: the paragraphs of
//! XQuAD, sorted by length, take 42 to 45 ms of CPU each alone and 48 to 51 in batches of eight (int8 MiniLM, two
//! cores). It also keeps a text's vector the same whatever is embedded beside it, which dynamically quantised
//! models do not promise for batches, and without which doing the same work twice would not be the same.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use domain::EmbedError;
use fastembed::TextEmbedding;
use futures::future::try_join_all;
use tokio::sync::oneshot;

type Vector = Result<Vec<f32>, EmbedError>;

struct Job {
    text: String,
    reply: oneshot::Sender<Vector>,
}

#[derive(Default)]
struct Jobs {
    queries: VecDeque<Job>,
    passages: VecDeque<Job>,
    is_closed: bool,
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

impl Queue {
    /// A panic while the lock is held leaves whole jobs in the queue, never half of one.
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job that somebody still waits for, questions first; `None` once the queue is closed.
    fn next(&self) -> Option<Job> {
        let mut jobs = self.lock();
        loop {
            if jobs.is_closed {
                return None;
            }
            match jobs.queries.pop_front().or_else(|| jobs.passages.pop_front()) {
                Some(job) if job.reply.is_closed() => {}
                Some(job) => return Some(job),
                None => jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn close(&self) {
        let mut jobs = self.lock();
        // Dropping the jobs tells those who wait for them.
        *jobs = Jobs { is_closed: true, ..Jobs::default() };
        self.changed.notify_all();
    }
}

/// The sending side. Dropping it ends the thread.
pub(super) struct Worker {
    queue: Arc<Queue>,
}

impl Worker {
    pub(super) fn start(model: TextEmbedding) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let jobs = ClosedOnExit(Arc::clone(&queue));
        std::thread::Builder::new().name("embedder".to_owned()).spawn(move || serve(&jobs.0, model))?;
        Ok(Self { queue })
    }

    pub(super) async fn embed_query(&self, text: String) -> Vector {
        let reply = self.push([text], |jobs| &mut jobs.queries).pop();
        wait(reply.ok_or_else(stopped)?).await
    }

    pub(super) async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let replies = self.push(texts, |jobs| &mut jobs.passages);
        try_join_all(replies.into_iter().map(wait)).await
    }

    fn push(
        &self,
        texts: impl IntoIterator<Item = String>,
        queue: impl Fn(&mut Jobs) -> &mut VecDeque<Job>,
    ) -> Vec<oneshot::Receiver<Vector>> {
        let mut jobs = self.queue.lock();
        let replies = texts
            .into_iter()
            .map(|text| {
                let (reply, receiver) = oneshot::channel();
                if !jobs.is_closed {
                    queue(&mut jobs).push_back(Job { text, reply });
                }
                receiver
            })
            .collect();
        self.queue.changed.notify_one();
        replies
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Closes the queue when the thread ends, also by a panic, so that nobody waits for ever.
struct ClosedOnExit(Arc<Queue>);

impl Drop for ClosedOnExit {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn serve(queue: &Queue, mut model: TextEmbedding) {
    while let Some(job) = queue.next() {
        let vector = embed_one(&mut model, &job.text);
        // The one who asked may have gone away meanwhile; the vector is of no use to anyone else.
        let _ = job.reply.send(vector);
    }
}

/// The unit vector of one text, cut off on the right at the model's limit.
pub(super) fn embed_one(model: &mut TextEmbedding, text: &str) -> Vector {
    let failed = |error: String| EmbedError::Failed(error);
    let vectors = model.embed([text], Some(1)).map_err(|error| failed(error.to_string()))?;
    let mut vector = vectors.into_iter().next().ok_or_else(|| failed("no vector came back".to_owned()))?;
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_normal() {
        return Err(failed(format!("a vector of length {length} came back")));
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Ok(vector)
}

async fn wait(reply: oneshot::Receiver<Vector>) -> Vector {
    reply.await.unwrap_or_else(|_| Err(stopped()))
}

fn stopped() -> EmbedError {
    EmbedError::Failed("the embedder has stopped".to_owned())
}
