//! Dense embedding and cross-encoding on ONNX Runtime through fastembed. The only place that knows either of them.
//!
//! Threads of its own own the models (`worker`, `rerank`); everything else sends them work (`queue`) and waits without
//! blocking a task. What is absent: any download. The caller brings files, and a missing or damaged one is
//! [`EmbedError::Unusable`] or [`RerankError::Unusable`].

mod files;
mod integer;
mod onnx;
mod queue;
mod rerank;
mod runtime;
mod worker;

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::{EmbedError, Embedder, EmbeddingSpace, LanguageCoverage};
use fastembed::{InitOptionsUserDefined, TextEmbedding, UserDefinedEmbeddingModel};
use lru::LruCache;
use ort::environment::Environment;
use tokenizers::Tokenizer;

use files::{Unusable, read};
use worker::Worker;

pub use files::OnnxFiles;
pub use rerank::{CrossEncoder, CrossEncoderOptions, RerankError};

/// What is known of a model beyond its files.
#[derive(Debug, Clone)]
pub struct EmbedderProfile {
    /// Its space; a model whose vectors have another length is refused.
    pub space: EmbeddingSpace,
    /// The languages in which its vectors mean something.
    pub coverage: LanguageCoverage,
    /// Most tokens of a text it was trained to read, special tokens included.
    pub max_tokens: usize,
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// Processor cores that it may use.
    pub threads: usize,
}

/// How token vectors become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one, of the classification token.
    Cls,
}

/// Questions whose vectors are kept: people ask the same things, and ask again when an answer was cut off.
const QUESTIONS_KEPT: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// Most copies of the model for documents. Each takes the memory of its weights; further cores share in the copies.
const MOST_COPIES: usize = 4;

/// Most threads for a question: it is short, and more would wait for one another.
const THREADS_FOR_QUESTIONS: usize = 2;

/// An embedder on ONNX Runtime. Dropping it ends its threads after the texts at hand.
pub struct FastEmbedder {
    profile: EmbedderProfile,
    /// The model's tokenizer without truncation and padding, to count and never to embed.
    counter: Tokenizer,
    worker: Worker,
    questions: Mutex<LruCache<String, Vec<f32>>>,
}

impl FastEmbedder {
    /// Loads the model and embeds one text with it, so that a model that cannot work is refused here. Takes a
    /// second; call it where blocking is allowed.
    pub fn load(files: &OnnxFiles, profile: EmbedderProfile) -> Result<Self, EmbedError> {
        let counter = counting_tokenizer(&read(&files.tokenizer)?)?;
        let source = ModelSource::read(files, &profile)?;
        let mut for_questions = source.open(profile.threads.clamp(1, THREADS_FOR_QUESTIONS))?;
        check_dimensions(&mut for_questions, &profile.space)?;
        let copies = profile.threads.clamp(1, MOST_COPIES);
        let threads_each = (profile.threads / copies).max(1);
        let for_passages = (0..copies).map(|_| source.open(threads_each)).collect::<Result<_, _>>()?;
        let worker = Worker::start(for_questions, for_passages)
            .map_err(|error| EmbedError::Unusable(error.to_string()))?;
        Ok(Self { profile, counter, worker, questions: Mutex::new(LruCache::new(QUESTIONS_KEPT)) })
    }

    fn tokens(&self, text: &str) -> usize {
        // A text the tokenizer refuses is taken for its longest: one token for every byte.
        self.counter.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len())
    }
}

/// The files of a model in memory, to open it as often as it is needed.
struct ModelSource {
    definition: UserDefinedEmbeddingModel,
    environment: Environment,
    max_tokens: usize,
    /// For messages.
    files: OnnxFiles,
}

impl ModelSource {
    fn read(files: &OnnxFiles, profile: &EmbedderProfile) -> Result<Self, Unusable> {
        let environment = runtime::environment(&files.runtime_library)?;
        let model = integer::with_byte_products(read(&files.model)?);
        let definition = UserDefinedEmbeddingModel::new(model, files.tokenizer_files()?).with_pooling(
            match profile.pooling {
                Pooling::Mean => fastembed::Pooling::Mean,
                Pooling::Cls => fastembed::Pooling::Cls,
            },
        );
        Ok(Self { definition, environment, max_tokens: profile.max_tokens, files: files.clone() })
    }

    fn open(&self, threads: usize) -> Result<TextEmbedding, Unusable> {
        let options = InitOptionsUserDefined::new()
            .with_environment(self.environment.clone())
            .with_max_length(self.max_tokens)
            .with_intra_threads(threads);
        TextEmbedding::try_new_from_user_defined(self.definition.clone(), options)
            .map_err(|error| self.files.unusable(&error))
    }
}

fn counting_tokenizer(bytes: &[u8]) -> Result<Tokenizer, EmbedError> {
    let unusable = |error: tokenizers::Error| EmbedError::Unusable(format!("tokenizer.json: {error}"));
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(unusable)?;
    tokenizer.with_padding(None).with_truncation(None).map_err(unusable)?;
    Ok(tokenizer)
}

fn check_dimensions(model: &mut TextEmbedding, space: &EmbeddingSpace) -> Result<(), EmbedError> {
    let probe =
        worker::embed_one(model, "daedap").map_err(|error| EmbedError::Unusable(error.to_string()))?;
    if probe.len() == space.dimensions {
        return Ok(());
    }
    Err(EmbedError::Unusable(format!(
        "{} should give {} values a vector, but gives {}",
        space.model,
        space.dimensions,
        probe.len()
    )))
}

#[async_trait]
impl Embedder for FastEmbedder {
    fn space(&self) -> &EmbeddingSpace {
        &self.profile.space
    }

    fn coverage(&self) -> &LanguageCoverage {
        &self.profile.coverage
    }

    fn max_tokens(&self) -> usize {
        self.profile.max_tokens
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokens(text)
    }

    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let prefix = &self.profile.space.passage_prefix;
        self.worker.embed_passages(texts.into_iter().map(|text| format!("{prefix}{text}")).collect()).await
    }

    async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        // The lock is held for a lookup, never while embedding; a panic in between leaves a whole cache.
        let questions = || self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = questions().get(text) {
            return Ok(vector.clone());
        }
        let vector = self.worker.embed_query(format!("{}{text}", self.profile.space.query_prefix)).await?;
        questions().put(text.to_owned(), vector.clone());
        Ok(vector)
    }
}
