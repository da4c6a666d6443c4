//! The vector store port: an index over chunks, rebuilt from SQL whenever that is easier than mending it.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Chunk, ChunkId, CollectionId, DocumentId, Language, SparseVector, VersionId, WorkspaceId};

/// A chunk with its vectors, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkPoint {
    /// The chunk; its id is the point's id.
    pub chunk: Chunk,
    /// Unit vector in the store's embedding space; `None` where the embedder does not cover the chunk's language.
    pub dense: Option<Vec<f32>>,
    /// Term weights.
    pub sparse: SparseVector,
}

/// What a search may see. It is part of the search itself, never a filter on its results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collections to search; none of them means nothing can be found.
    pub collections: Vec<CollectionId>,
    /// What it is narrowed to within them.
    pub filter: Filter,
}

/// What a search is narrowed to. Each list means "any of", an empty one "whatever it is"; a chunk must pass all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Documents that a chunk may belong to.
    pub documents: Vec<DocumentId>,
    /// Tags of which its document has one.
    pub tags: Vec<String>,
    /// Languages that it may be in.
    pub languages: Vec<Language>,
    /// Its document's date is this or later.
    pub from: Option<Timestamp>,
    /// Its document's date is before this.
    pub until: Option<Timestamp>,
}

/// A chunk with the score of one search.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredChunk {
    /// The chunk.
    pub chunk: Chunk,
    /// Cosine similarity or BM25 sum, by the search that found it.
    pub score: f32,
}

/// Which points to count, read or remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All chunks of one version.
    Version(WorkspaceId, VersionId),
    /// All chunks of all versions of one document.
    Document(WorkspaceId, DocumentId),
    /// All chunks in one collection.
    Collection(WorkspaceId, CollectionId),
    /// All chunks of a tenant.
    Workspace(WorkspaceId),
}

/// Stores and finds chunks. All calls are safe to repeat.
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
    /// A chunk that shares no term with the query is not found.
    async fn search_sparse(
        &self,
        scope: &Scope,
        query: &SparseVector,
        limit: usize,
    ) -> Result<Vec<ScoredChunk>, VectorStoreError>;

    /// How rare each term is, in order: the inverse document frequency that [`VectorStore::search_sparse`] multiplies
    /// with, over all chunks of the store; tenants are not told apart in it. A term that no chunk has counts as if one
    /// had it.
    async fn rarity(&self, terms: &[u32]) -> Result<Vec<f32>, VectorStoreError>;

    /// Removes the selected points; removing what is not there is no error.
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

    /// Does now what the store puts off until nobody writes, so that the searches that follow are as fast as they get.
    /// For who knows that the writing is over; a server knows by itself.
    async fn settle(&self) -> Result<(), VectorStoreError> {
        Ok(())
    }
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum VectorStoreError {
    /// The index was made in another embedding space; it must be built again.
    #[error(
        "the index holds vectors of {found}, but the embedder is {expected}; run `daedap reindex` to embed again"
    )]
    SpaceMismatch {
        /// The space the caller has.
        expected: String,
        /// The space the index was made in.
        found: String,
    },
    /// Another process has it open.
    #[error("the vector store is in use by another process: {0}")]
    Locked(String),
    /// The server cannot be reached or does not answer; trying again later may help.
    #[error("the vector store is unavailable: {0}")]
    Unavailable(String),
    /// It has no room for more. What it held before it still holds.
    #[error("the vector store has no room left: {0}")]
    Full(String),
    /// It answered, but not with what was asked for.
    #[error("the vector store failed: {0}")]
    Failed(String),
}
