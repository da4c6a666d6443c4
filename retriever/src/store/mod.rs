//! Vector stores: the in-process one and the Qdrant server, behind `domain`'s port.
//!
//! Both keep a chunk as one point: its id is the chunk's, its vectors are `dense` (cosine; absent where the
//! embedder does not cover the chunk's language) and `sparse` (term weights, inverse document frequency by the
//! engine), its payload the chunk itself. The same points give the same scores in both.

pub mod embedded;
mod payload;
pub mod qdrant;

/// Name of the dense vector.
const DENSE: &str = "dense";

/// Name of the sparse vector.
const SPARSE: &str = "sparse";

/// Best first; equal scores in the order of ids, so that two stores agree.
fn in_order(mut hits: Vec<domain::ScoredChunk>) -> Vec<domain::ScoredChunk> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.id.cmp(&b.chunk.id)));
    hits
}

/// A space as one line, for messages.
fn describe(space: &domain::EmbeddingSpace) -> String {
    format!("{} ({} dimensions)", space.model, space.dimensions)
}
