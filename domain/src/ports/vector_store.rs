//! The vector store port: an index over chunks, derived from SQL and rebuilt from it when it is damaged.

use async_trait::async_trait;

use crate::values::analysis::SparseVector;
use crate::values::cause::Cause;
use crate::values::id::ChunkId;
use crate::values::search::{ChunkPoint, Scope, ScoredChunk, Selection};

/// Stores and searches chunks. Every call can be repeated safely.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Inserts the points, replacing those with the same id. When it returns, they survive a crash of this process.
    async fn upsert(&self, points: Vec<ChunkPoint>) -> Result<(), VectorStoreError>;

    /// The `limit` chunks in scope nearest to `query` by cosine, best first.
    async fn search_dense(
        &self,
        scope: &Scope,
        query: &[f32],
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError>;

    /// The `limit` chunks in scope with the highest sum of `query weight x idf x document weight`, best first.
    /// A chunk that shares no term with the query is not returned.
    async fn search_sparse(
        &self,
        scope: &Scope,
        query: &SparseVector,
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError>;

    /// The inverse document frequency of each term, in order: the factor that [`VectorStore::search_sparse`] multiplies
    /// with, over all chunks of the store whatever their tenant. A term that no chunk has counts as if one had it.
    async fn idf(&self, terms: &[u32]) -> Result<Vec<f32>, VectorStoreError>;

    /// Removes the selected points; removing absent ones is no error.
    async fn remove(&self, selection: Selection) -> Result<(), VectorStoreError>;

    /// Number of selected points, exact.
    async fn count(&self, selection: Selection) -> Result<u64, VectorStoreError>;

    /// At most `limit` of the selected points with their vectors, by id, those after `after`.
    async fn points(
        &self,
        selection: Selection,
        after: Option<ChunkId>,
        limit: usize,
    ) -> Result<Vec<ChunkPoint>, VectorStoreError>;

    /// Checks that the store answers, at no cost that depends on its size.
    async fn ping(&self) -> Result<(), VectorStoreError>;

    /// Completes now the indexing that the store defers until writes pause, so that the next searches run at full speed.
    /// For callers that know their writes are complete, such as a command; a server detects the pause by itself.
    async fn flush(&self) -> Result<(), VectorStoreError> {
        Ok(())
    }

    /// Removes from disk what removed points left there. A store that does so by itself does nothing; one that is large
    /// may do it later.
    async fn purge(&self) -> Result<(), VectorStoreError> {
        Ok(())
    }
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum VectorStoreError {
    /// The index was made in another embedding space; it must be rebuilt.
    #[error(
        "the index holds vectors of {found}, but the embedder is {expected}; run `daedap reindex` to embed again"
    )]
    SpaceMismatch {
        /// The space of the caller's embedder.
        expected: String,
        /// The space the index was made in.
        found: String,
    },
    /// Another process has it open.
    #[error("the vector store is in use by another process: {0}")]
    Locked(String),
    /// The server cannot be reached or does not answer; retrying later may help.
    #[error("the vector store is unavailable")]
    Unavailable(#[source] Cause),
    /// The disk is full. Earlier writes are intact.
    #[error("the vector store has no room left")]
    Full(#[source] Cause),
    /// It returned something other than what was asked for.
    #[error("the vector store failed")]
    Failed(#[source] Cause),
}
