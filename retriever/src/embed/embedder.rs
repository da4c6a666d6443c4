//! Implements the embedder port with fastembed.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::{Cause, EmbedError, Embedder, EmbeddingSpace, LanguageCoverage};
use fastembed::{InitOptionsUserDefined, TextEmbedding, UserDefinedEmbeddingModel};
use lru::LruCache;
use ort::environment::Environment;
use tokenizers::Tokenizer;

use super::embedding_threads::{EmbeddingThreads, embed_one};
use super::files::{OnnxFiles, read};
use super::unusable::Unusable;
use super::{dynamic_quantization, runtime};

/// Properties of a model that its files do not contain.
#[derive(Debug, Clone)]
pub struct EmbedderProfile {
    /// Its embedding space; a model with other dimensions is refused.
    pub space: EmbeddingSpace,
    /// The languages that it was trained for.
    pub coverage: LanguageCoverage,
    /// Maximum number of tokens that it was trained on, special tokens included.
    pub max_tokens: usize,
    /// How token vectors are pooled.
    pub pooling: Pooling,
    /// Number of threads.
    pub threads: usize,
}

/// How the vectors of a text's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one, of the classification token.
    Cls,
}

/// Maximum number of cached question vectors: people ask the same questions, and repeat them when an answer fails.
const MAX_CACHED_QUESTIONS: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// Maximum number of copies of the model for passages. Each needs the memory of its weights; further threads are divided
/// between the copies.
const MAX_COPIES: usize = 4;

/// Maximum number of threads for a question: it is short, and more threads would wait for each other.
const MAX_QUESTION_THREADS: usize = 2;

/// An embedder on ONNX Runtime. Dropping it ends its threads after the current texts.
pub struct FastEmbedder {
    profile: EmbedderProfile,
    /// The model's tokenizer without truncation and padding, to count tokens.
    counter: Tokenizer,
    threads: EmbeddingThreads,
    cached_questions: Mutex<LruCache<String, Vec<f32>>>,
}

impl FastEmbedder {
    /// Loads the model and embeds one text, so that an unusable model fails here. Blocks for about a second.
    pub fn load(files: &OnnxFiles, profile: EmbedderProfile) -> Result<Self, EmbedError> {
        let counter = counting_tokenizer(&read(&files.tokenizer)?)?;
        let source = ModelSource::read(files, &profile)?;
        let mut for_questions = source.open(profile.threads.clamp(1, MAX_QUESTION_THREADS))?;
        check_dimensions(&mut for_questions, &profile.space)?;
        let copies = profile.threads.clamp(1, MAX_COPIES);
        let threads_each = (profile.threads / copies).max(1);
        let for_passages = (0..copies).map(|_| source.open(threads_each)).collect::<Result<_, _>>()?;
        let threads = EmbeddingThreads::start(for_questions, for_passages)
            .map_err(|error| EmbedError::Unusable(error.into()))?;
        let cached_questions = Mutex::new(LruCache::new(MAX_CACHED_QUESTIONS));
        Ok(Self { profile, counter, threads, cached_questions })
    }

    fn tokens(&self, text: &str) -> usize {
        // An upper bound for a text that the tokenizer refuses: one token per byte.
        self.counter.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len())
    }
}

/// The files of a model in memory, to open several copies of it.
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
        let model = dynamic_quantization::with_integer_products(read(&files.model)?);
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
            .map_err(|error| self.files.unusable(error))
    }
}

fn counting_tokenizer(bytes: &[u8]) -> Result<Tokenizer, EmbedError> {
    let unusable =
        |error: tokenizers::Error| EmbedError::Unusable(Cause::with_context("`tokenizer.json`", error));
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(unusable)?;
    tokenizer.with_padding(None).with_truncation(None).map_err(unusable)?;
    Ok(tokenizer)
}

fn check_dimensions(model: &mut TextEmbedding, space: &EmbeddingSpace) -> Result<(), EmbedError> {
    let probe = embed_one(model, "daedap").map_err(|error| EmbedError::Unusable(error.into()))?;
    if probe.len() == space.dimensions {
        return Ok(());
    }
    let reason =
        format!("`{}` should have {} dimensions, but has {}", space.model, space.dimensions, probe.len());
    Err(EmbedError::Unusable(reason.into()))
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
        self.threads.embed_passages(texts.into_iter().map(|text| format!("{prefix}{text}")).collect()).await
    }

    async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        // Locked for a lookup, never while embedding. A poisoned lock is harmless: a lookup leaves a valid cache.
        let cache = || self.cached_questions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = cache().get(text) {
            return Ok(vector.clone());
        }
        let vector = self.threads.embed_query(format!("{}{text}", self.profile.space.query_prefix)).await?;
        cache().put(text.to_owned(), vector.clone());
        Ok(vector)
    }

    fn check(&self) -> Result<(), EmbedError> {
        self.threads.check()
    }
}
