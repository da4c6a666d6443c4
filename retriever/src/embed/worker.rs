//! The threads that own the model's copies, and their queues.
//!
//! A question must not wait behind a thousand chunks being ingested, nor behind one of them. So questions have a copy
//! of the model and a thread to themselves; the operating system shares the cores between them and the threads for
//! passages.
//!
//! Texts are never batched. On a CPU one text fills a core and a batch only adds padding: the paragraphs of
//! XQuAD, sorted by length, take 42 to 45 ms of CPU each alone and 48 to 51 in batches of eight (MiniLM, two
//! cores). Copies with one thread each do 80 texts a second where one copy with two threads does 72. It also keeps a
//! text's vector the same whatever is embedded beside it, which dynamically quantised models do not promise for
//! batches, and without which doing the same work twice would not be the same.

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
    waiting: VecDeque<Job>,
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

    /// The next job that somebody still waits for; `None` once the queue is closed.
    fn next(&self) -> Option<Job> {
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

    fn push(&self, texts: impl IntoIterator<Item = String>) -> Vec<oneshot::Receiver<Vector>> {
        let mut jobs = self.lock();
        let replies = texts
            .into_iter()
            .map(|text| {
                let (reply, receiver) = oneshot::channel();
                if !jobs.is_closed {
                    jobs.waiting.push_back(Job { text, reply });
                }
                receiver
            })
            .collect();
        self.changed.notify_all();
        replies
    }

    fn close(&self) {
        let mut jobs = self.lock();
        // Dropping the jobs tells those who wait for them.
        *jobs = Jobs { is_closed: true, ..Jobs::default() };
        self.changed.notify_all();
    }
}

/// The sending side. Dropping it ends the threads.
pub(super) struct Worker {
    questions: Arc<Queue>,
    passages: Arc<Queue>,
}

impl Worker {
    /// One thread for each of the copies.
    pub(super) fn start(
        for_questions: TextEmbedding,
        for_passages: Vec<TextEmbedding>,
    ) -> std::io::Result<Self> {
        let worker = Self { questions: Arc::default(), passages: Arc::default() };
        serve_on_thread("embed-questions", &worker.questions, for_questions)?;
        for model in for_passages {
            serve_on_thread("embed-passages", &worker.passages, model)?;
        }
        Ok(worker)
    }

    pub(super) async fn embed_query(&self, text: String) -> Vector {
        let reply = self.questions.push([text]).pop();
        wait(reply.ok_or_else(stopped)?).await
    }

    pub(super) async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        try_join_all(self.passages.push(texts).into_iter().map(wait)).await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.questions.close();
        self.passages.close();
    }
}

fn serve_on_thread(name: &str, queue: &Arc<Queue>, model: TextEmbedding) -> std::io::Result<()> {
    let queue = ClosedOnExit(Arc::clone(queue));
    std::thread::Builder::new().name(name.to_owned()).spawn(move || serve(&queue.0, model)).map(drop)
}

/// Closes the queue when a thread ends, also by a panic, so that nobody waits for ever.
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
