//! Dense embedding: the port, and the space that its vectors live in.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::LanguageCoverage;

/// Where vectors may be compared. Vectors of two spaces never meet: whatever differs here makes another space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingSpace {
    /// The model's catalog id or content hash.
    pub model: String,
    /// Length of a vector.
    pub dimensions: usize,
    /// What is put before a query.
    pub query_prefix: String,
    /// What is put before a stored text.
    pub passage_prefix: String,
}

/// Turns text into unit vectors of one [`EmbeddingSpace`].
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The space of its vectors.
    fn space(&self) -> &EmbeddingSpace;

    /// The languages in which its vectors mean something.
    fn coverage(&self) -> &LanguageCoverage;

    /// Most tokens of a text that it reads, prefix included; the rest is cut off on the right.
    fn max_tokens(&self) -> usize;

    /// Tokens of `text` in the model's own vocabulary, without prefix and special tokens.
    fn count_tokens(&self, text: &str) -> usize;

    /// One vector per text, in order, each of `space().dimensions` values with length 1.
    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// The vector of a question.
    async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError>;
}

/// Why a text has no vector.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The model's files are missing, damaged or not what they should be. Trying again does not help.
    #[error("the embedder cannot be loaded: {0}")]
    Unusable(String),
    /// The runtime failed on this text.
    #[error("the embedder failed: {0}")]
    Failed(String),
}
