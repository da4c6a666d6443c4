//! Retrieved passages.

use serde::{Deserialize, Serialize};

use crate::values::document::Chunk;

/// A retrieved chunk with its scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// The chunk.
    #[serde(flatten)]
    pub chunk: Chunk,
    /// Fused score, or the reranker's where there is one, 0 to 1; higher is better, comparable within one result only.
    pub score: f32,
    /// Cosine similarity in -1..=1; `None` when the dense search did not find it or did not run.
    pub dense_score: Option<f32>,
    /// BM25 score, 0 and up; `None` when the sparse search did not find it.
    pub sparse_score: Option<f32>,
}
