//! Runs the threads that own the copies of the embedder.
//!
//! A question must not wait for a thousand chunks being ingested, nor for one of them. So questions have their own copy of
//! the model and their own thread, and the threads for passages have a lower priority.
//!
//! Texts are never batched. On a CPU one text fills a core, and a batch only adds padding: the paragraphs of XQuAD, sorted
//! by length, take 42 to 45 ms of CPU each alone and 48 to 51 in batches of eight (MiniLM, two cores). Copies with one
//! thread each embed 80 texts a second, one copy with two threads 72. Unbatched, a text also has the same vector whatever
//! is embedded next to it, which dynamically quantized models do not guarantee for batches: repeated work must give the
//! same result.

use domain::EmbedError;
use fastembed::TextEmbedding;

use super::work_queue::{NoAnswer, WorkQueue};
use crate::background_priority::lower_thread_priority;

type EmbeddingQueue = WorkQueue<String, Vec<f32>, EmbedError>;

/// The queues of the threads. Dropping it ends the threads.
pub(super) struct EmbeddingThreads {
    questions: EmbeddingQueue,
    passages: EmbeddingQueue,
}

impl EmbeddingThreads {
    /// Starts one thread for each copy of the model.
    pub(super) fn start(
        for_questions: TextEmbedding,
        for_passages: Vec<TextEmbedding>,
    ) -> std::io::Result<Self> {
        let threads = Self { questions: WorkQueue::new(), passages: WorkQueue::new() };
        threads.questions.start_thread("embed-questions", || {}, embed_with(for_questions))?;
        for model in for_passages {
            threads.passages.start_thread("embed-passages", lower_thread_priority, embed_with(model))?;
        }
        Ok(threads)
    }

    pub(super) async fn embed_query(&self, text: String) -> Result<Vec<f32>, EmbedError> {
        self.questions.run([text]).await?.pop().ok_or_else(|| NoAnswer::Stopped.into())
    }

    /// Checks that all of them run.
    pub(super) fn check(&self) -> Result<(), EmbedError> {
        let is_open = self.questions.is_open() && self.passages.is_open();
        if is_open { Ok(()) } else { Err(NoAnswer::Stopped.into()) }
    }

    pub(super) async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.passages.run(texts).await
    }
}

fn embed_with(
    mut model: TextEmbedding,
) -> impl FnMut(String) -> Result<Vec<f32>, EmbedError> + Send + 'static {
    move |text| embed_one(&mut model, &text)
}

/// Embeds one text, truncated on the right at the model's limit; returns a unit vector.
pub(super) fn embed_one(model: &mut TextEmbedding, text: &str) -> Result<Vec<f32>, EmbedError> {
    let vectors = model.embed([text], Some(1)).map_err(|error| EmbedError::Failed(error.into()))?;
    let none = || EmbedError::Failed("the model returned no vector".into());
    let mut vector = vectors.into_iter().next().ok_or_else(none)?;
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if !length.is_normal() {
        return Err(EmbedError::Failed(format!("the model returned a vector of length {length}").into()));
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Ok(vector)
}

impl From<NoAnswer> for EmbedError {
    fn from(reason: NoAnswer) -> Self {
        Self::Failed(reason.into())
    }
}
