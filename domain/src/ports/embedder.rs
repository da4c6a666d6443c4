//! The embedder port: text to dense vectors.

use async_trait::async_trait;

use crate::values::cause::Cause;
use crate::values::embedding_space::EmbeddingSpace;
use crate::values::language::LanguageCoverage;

/// Turns text into unit vectors of one [`EmbeddingSpace`].
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The space of its vectors.
    fn space(&self) -> &EmbeddingSpace;

    /// The languages that the model was trained for.
    fn coverage(&self) -> &LanguageCoverage;

    /// Maximum number of tokens of a text, prefix included; longer texts are truncated on the right.
    fn max_tokens(&self) -> usize;

    /// Number of tokens of `text` in the model's own vocabulary, without prefix and special tokens.
    fn count_tokens(&self, text: &str) -> usize;

    /// Embeds passages: one vector per text, in order, each of `space().dimensions` values with length 1.
    async fn embed_passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// Embeds a question.
    async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError>;

    /// Checks that it can embed now. For an embedder without threads of its own there is nothing to check.
    fn check(&self) -> Result<(), EmbedError> {
        Ok(())
    }
}

/// Why a text could not be embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The model's files are missing, damaged or of the wrong kind. Retrying does not help.
    #[error("the embedder cannot be loaded")]
    Unusable(#[source] Cause),
    /// The runtime failed on this text.
    #[error("the embedder failed")]
    Failed(#[source] Cause),
}
