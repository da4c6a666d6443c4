//! Dense embedding on ONNX Runtime through fastembed. The only place that knows either of them.
//!
//! One thread owns the model (`worker`); everything else sends it work and waits without blocking a task. What
//! is absent: any download. The caller brings files, and a missing or damaged one is [`EmbedError::Unusable`].

mod runtime;
mod worker;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::{EmbedError, Embedder, EmbeddingSpace, LanguageCoverage};
use fastembed::{InitOptionsUserDefined, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use tokenizers::Tokenizer;

use worker::Worker;

/// Where the files of a model and the library that runs it are.
#[derive(Debug, Clone)]
pub struct EmbedderFiles {
    /// The model, ONNX.
    pub model: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// `config.json`.
    pub config: PathBuf,
    /// `special_tokens_map.json`.
    pub special_tokens_map: PathBuf,
    /// `tokenizer_config.json`.
    pub tokenizer_config: PathBuf,
    /// ONNX Runtime's shared library. The first one loaded serves the whole process.
    pub runtime_library: PathBuf,
}

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
    /// Threads that one text is computed with.
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

/// An embedder on ONNX Runtime. Dropping it ends its thread after the text at hand.
pub struct FastEmbedder {
    profile: EmbedderProfile,
    /// The model's tokenizer without truncation and padding, to count and never to embed.
    counter: Tokenizer,
    worker: Worker,
}

impl FastEmbedder {
    /// Loads the model and embeds one text with it, so that a model that cannot work is refused here. Takes a
    /// second; call it where blocking is allowed.
    pub fn load(files: EmbedderFiles, profile: EmbedderProfile) -> Result<Self, EmbedError> {
        let EmbedderFiles { model, tokenizer, config, special_tokens_map, tokenizer_config, runtime_library } =
            files;
        let environment = runtime::environment(&runtime_library)?;
        let tokenizer_file = read(&tokenizer)?;
        let counter = counting_tokenizer(&tokenizer_file)?;
        let definition = UserDefinedEmbeddingModel::new(
            read(&model)?,
            TokenizerFiles {
                tokenizer_file,
                config_file: read(&config)?,
                special_tokens_map_file: read(&special_tokens_map)?,
                tokenizer_config_file: read(&tokenizer_config)?,
            },
        )
        .with_pooling(match profile.pooling {
            Pooling::Mean => fastembed::Pooling::Mean,
            Pooling::Cls => fastembed::Pooling::Cls,
        });
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(profile.max_tokens)
            .with_intra_threads(profile.threads.max(1));
        let mut engine = TextEmbedding::try_new_from_user_defined(definition, options)
            .map_err(|error| EmbedError::Unusable(format!("{}: {error}", model.display())))?;
        check_dimensions(&mut engine, &profile.space)?;
        let worker = Worker::start(engine).map_err(|error| EmbedError::Unusable(error.to_string()))?;
        Ok(Self { profile, counter, worker })
    }

    fn tokens(&self, text: &str) -> usize {
        // A text the tokenizer refuses is taken for its longest: one token for every byte.
        self.counter.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EmbedError> {
    std::fs::read(path).map_err(|error| EmbedError::Unusable(format!("{}: {error}", path.display())))
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
        self.worker.embed_query(format!("{}{text}", self.profile.space.query_prefix)).await
    }
}
