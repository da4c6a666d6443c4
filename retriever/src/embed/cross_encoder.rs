//! Scores question and passage pairs with a cross-encoder: a model that processes both texts together.
//!
//! It is more accurate than a comparison of two vectors, and thousands of times more expensive: it processes every passage
//! again for every question. One thread owns it and scores one pair at a time, so that a caller who gives up delays the
//! next one by a pair at most, and a score does not depend on other pairs (`embedding_threads` says why batches gain
//! nothing).

use std::sync::Arc;

use domain::Cause;
use fastembed::{RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};

use super::files::{OnnxFiles, read};
use super::runtime;
use super::unusable::{Unusable, catch_panic};
use super::work_queue::{NoAnswer, WorkQueue};

/// Why there are no scores.
#[derive(Debug, thiserror::Error)]
pub enum RerankError {
    /// The model's files are missing, damaged or of the wrong kind. Retrying does not help.
    #[error("the reranker cannot be loaded")]
    Unusable(#[source] Cause),
    /// The runtime failed on a pair.
    #[error("the reranker failed")]
    Failed(#[source] Cause),
}

/// Limits of a cross-encoder.
#[derive(Debug, Clone, Copy)]
pub struct CrossEncoderOptions {
    /// Maximum number of tokens of question and passage together; the longer one is truncated on the right.
    pub max_tokens: usize,
    /// Number of threads.
    pub threads: usize,
}

/// A cross-encoder on ONNX Runtime. Dropping it ends its thread after the current pair.
pub struct CrossEncoder {
    pairs: WorkQueue<Pair, f32, RerankError>,
}

/// A question, and a passage that may answer it.
struct Pair {
    question: Arc<str>,
    passage: String,
}

impl CrossEncoder {
    /// Loads the model and scores one pair, so that an unusable model fails here. Blocks for about a second.
    pub fn load(files: &OnnxFiles, options: CrossEncoderOptions) -> Result<Self, RerankError> {
        let mut model = open(files, options)?;
        let probe = Pair { question: "daedap".into(), passage: "daedap".to_owned() };
        score(&mut model, &probe).map_err(|error| files.unusable(error))?;
        let pairs = WorkQueue::new();
        let answer = move |pair: Pair| score(&mut model, &pair).map_err(RerankError::Failed);
        pairs.start_thread("rerank", || {}, answer).map_err(|error| RerankError::Unusable(error.into()))?;
        Ok(Self { pairs })
    }

    /// Scores how well each passage answers the question: a logit, the higher the better.
    pub async fn score(&self, question: &str, passages: Vec<String>) -> Result<Vec<f32>, RerankError> {
        let question: Arc<str> = question.into();
        let pairs = passages.into_iter().map(|passage| Pair { question: Arc::clone(&question), passage });
        self.pairs.run(pairs).await
    }
}

fn open(files: &OnnxFiles, options: CrossEncoderOptions) -> Result<TextRerank, Unusable> {
    let init = RerankInitOptionsUserDefined::new()
        .with_environment(runtime::environment(&files.runtime_library)?)
        .with_max_length(options.max_tokens)
        .with_intra_threads(options.threads);
    let definition = UserDefinedRerankingModel::new(read(&files.model)?, files.tokenizer_files()?);
    let opened = catch_panic(|| TextRerank::try_new_from_user_defined(definition, init));
    let mut model = opened.map_err(|error| files.unusable(error))?;
    // `[SEP]` in a text is five characters, not the end of the question.
    model.tokenizer.set_encode_special_tokens(true);
    Ok(model)
}

fn score(model: &mut TextRerank, pair: &Pair) -> Result<f32, Cause> {
    let scored = catch_panic(|| model.rerank(&*pair.question, [pair.passage.as_str()], false, Some(1)))?;
    match scored.first() {
        Some(result) if result.score.is_finite() => Ok(result.score),
        Some(result) => Err(format!("the model returned a score of {}", result.score).into()),
        None => Err("the model returned no score".into()),
    }
}

impl From<Unusable> for RerankError {
    fn from(Unusable(reason): Unusable) -> Self {
        Self::Unusable(reason)
    }
}

impl From<NoAnswer> for RerankError {
    fn from(reason: NoAnswer) -> Self {
        Self::Failed(reason.into())
    }
}
