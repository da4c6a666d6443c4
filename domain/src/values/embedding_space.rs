//! The space that dense vectors live in.

use serde::{Deserialize, Serialize};

/// What makes vectors comparable. Vectors of two spaces must never be compared: any difference here makes another space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingSpace {
    /// The model's catalog id or content hash.
    pub model: String,
    /// Length of a vector.
    pub dimensions: usize,
    /// Text put before a query.
    pub query_prefix: String,
    /// Text put before a stored passage.
    pub passage_prefix: String,
}
