//! A cross-encoder: a model that reads a question and a passage together and says how well the one answers the other.
//!
//! It is right more often than two vectors compared, and thousands of times dearer: it reads every passage anew for every
//! question. One thread owns it and takes one pair at a time, so whoever gives up waiting costs the next one a pair at
//! most, and a pair's score does not depend on what is scored beside it (`worker` says why batches gain nothing).

use std::sync::Arc;

use fastembed::{RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};

use super::files::{OnnxFiles, Unusable, caught, read};
use super::queue::{Queue, Stopped};
use super::runtime;

/// Why there are no scores.
#[derive(Debug, thiserror::Error)]
pub enum RerankError {
    /// The model's files are missing, damaged or not what they should be. Trying again does not help.
    #[error("the reranker cannot be loaded: {0}")]
    Unusable(String),
    /// The runtime failed on a pair.
    #[error("the reranker failed: {0}")]
    Failed(String),
}

/// How a cross-encoder is run.
#[derive(Debug, Clone, Copy)]
pub struct CrossEncoderOptions {
    /// Most tokens of a question and a passage together; the longer one is cut off on the right.
    pub max_tokens: usize,
    /// Processor cores that it may use.
    pub threads: usize,
}

/// A cross-encoder on ONNX Runtime. Dropping it ends its thread after the pair at hand.
pub struct CrossEncoder {
    pairs: Queue<Pair, f32, RerankError>,
}

/// A question and a passage that may answer it.
struct Pair {
    question: Arc<str>,
    passage: String,
}

impl CrossEncoder {
    /// Loads the model and scores one pair with it, so that a model that cannot work is refused here. Takes a second;
    /// call it where blocking is allowed.
    pub fn load(files: &OnnxFiles, options: CrossEncoderOptions) -> Result<Self, RerankError> {
        let mut model = open(files, options)?;
        let probe = Pair { question: "daedap".into(), passage: "daedap".to_owned() };
        score(&mut model, &probe).map_err(|error| files.unusable(&error))?;
        let pairs = Queue::new();
        let serve = move |pair: Pair| score(&mut model, &pair).map_err(RerankError::Failed);
        pairs.serve("rerank", || {}, serve).map_err(|error| RerankError::Unusable(error.to_string()))?;
        Ok(Self { pairs })
    }

    /// How well each passage answers the question: a logit, the higher the better.
    pub async fn score(&self, question: &str, passages: Vec<String>) -> Result<Vec<f32>, RerankError> {
        let question: Arc<str> = question.into();
        let pairs = passages.into_iter().map(|passage| Pair { question: Arc::clone(&question), passage });
        self.pairs.ask(pairs).await
    }
}

fn open(files: &OnnxFiles, options: CrossEncoderOptions) -> Result<TextRerank, Unusable> {
    let init = RerankInitOptionsUserDefined::new()
        .with_environment(runtime::environment(&files.runtime_library)?)
        .with_max_length(options.max_tokens)
        .with_intra_threads(options.threads);
    let definition = UserDefinedRerankingModel::new(read(&files.model)?, files.tokenizer_files()?);
    let opened = caught(|| TextRerank::try_new_from_user_defined(definition, init));
    let mut model = opened.map_err(|error| files.unusable(&error))?;
    // `[SEP]` in somebody's text is five characters, not the end of the question.
    model.tokenizer.set_encode_special_tokens(true);
    Ok(model)
}

fn score(model: &mut TextRerank, pair: &Pair) -> Result<f32, String> {
    let scored = caught(|| model.rerank(&*pair.question, [pair.passage.as_str()], false, Some(1)))?;
    match scored.first() {
        Some(result) if result.score.is_finite() => Ok(result.score),
        Some(result) => Err(format!("a score of {} came back", result.score)),
        None => Err("no score came back".to_owned()),
    }
}

impl From<Stopped> for RerankError {
    fn from(_: Stopped) -> Self {
        Self::Failed("the reranker has stopped".to_owned())
    }
}
