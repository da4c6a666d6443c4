//! Values of vector search: points, scopes and scores.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::analysis::SparseVector;
use crate::values::document::Chunk;
use crate::values::id::{CollectionId, DocumentId, VersionId, WorkspaceId};
use crate::values::language::Language;

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
    /// The collections to search; an empty list finds nothing.
    pub collections: Vec<CollectionId>,
    /// The filter within them.
    pub filter: Filter,
}

/// Conditions on chunks. Each list means "any of", an empty list sets no condition; a chunk must meet all conditions.
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
    /// The chunks of one version from this position on.
    VersionFrom(WorkspaceId, VersionId, u32),
    /// All chunks of all versions of one document.
    Document(WorkspaceId, DocumentId),
    /// All chunks in one collection.
    Collection(WorkspaceId, CollectionId),
    /// All chunks of a tenant.
    Workspace(WorkspaceId),
}
