//! The threads that own the embedder's copies.
//!
//! A question must not wait behind a thousand chunks being ingested, nor behind one of them. So questions have a copy
//! of the model and a thread to themselves, and the operating system gives it a core before the threads for passages.
//!
//! Texts are never batched. On a CPU one text fills a core and a batch only adds padding: the paragraphs of
//! XQuAD, sorted by length, take 42 to 45 ms of CPU each alone and 48 to 51 in batches of eight (MiniLM, two
//! cores). Copies with one thread each do 80 texts a second where one copy with two threads does 72. It also keeps a
//! text's vector the same whatever is embedded beside it, which dynamically quantised models do not promise for
//! batches, and without which doing the same work twice would not be the same.

use domain::EmbedError;
use fastembed::TextEmbedding;

use super::queue::{Queue, Stopped};
use crate::background::step_back;

type Vector = Result<Vec<f32>, EmbedError>;

type Texts = Queue<String, Vec<f32>, EmbedError>;

/// The sending side. Dropping it ends the threads.
pub(super) struct Worker {
    questions: Texts,
    passages: Texts,
}

impl Worker {
    /// One thread for each of the copies.
    pub(super) fn start(
        for_questions: TextEmbedding,
        for_passages: Vec<TextEmbedding>,
    ) -> std::io::Result<Self> {
        let worker = Self { questions: Queue::new(), passages: Queue::new() };
        worker.questions.serve("embed-questions", || {}, embed_with(for_questions))?;
        for model in for_passages {
            worker.passages.serve("embed-passages", step_back, embed_with(model))?;
        }
        Ok(worker)
    }

    pub(super) async fn embed_query(&self, text: String) -> Vector {
        self.questions.ask([text]).await?.pop().ok_or_else(|| Stopped.into())
    }

    pub(super) async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.passages.ask(texts).await
    }
}

fn embed_with(mut model: TextEmbedding) -> impl FnMut(String) -> Vector + Send + 'static {
    move |text| embed_one(&mut model, &text)
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

impl From<Stopped> for EmbedError {
    fn from(_: Stopped) -> Self {
        Self::Failed("the embedder has stopped".to_owned())
    }
}
