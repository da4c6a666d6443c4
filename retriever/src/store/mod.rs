//! Vector stores: the in-process one and the Qdrant server, behind `domain`'s port.
//!
//! Both keep a chunk as one point: its id is the chunk's, its vectors are `dense` (cosine; absent where the
//! embedder does not cover the chunk's language) and `sparse` (term weights, inverse document frequency by the
//! engine), its payload the chunk itself, which searches are filtered by. The same points give the same scores in both.

pub mod embedded;
mod payload;
pub mod qdrant;

/// Layout of points: names of vectors, fields of the payload, term ids. Each store keeps the number beside its points;
/// another number means that they must be made again.
const FORMAT: u32 = 2;

/// Name of the dense vector.
const DENSE: &str = "dense";

/// Name of the sparse vector.
const SPARSE: &str = "sparse";

/// Best first; equal scores in the order of ids, so that two stores agree.
fn in_order(mut hits: Vec<domain::ScoredChunk>) -> Vec<domain::ScoredChunk> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.id.cmp(&b.chunk.id)));
    hits
}

/// The first `limit` of `points` that come after the one with the id `after`, which may or may not be among them.
fn following(
    points: impl Iterator<Item = Result<domain::ChunkPoint, domain::VectorStoreError>>,
    after: Option<domain::ChunkId>,
    limit: usize,
) -> Result<Vec<domain::ChunkPoint>, domain::VectorStoreError> {
    let is_named = |point: &domain::ChunkPoint| Some(point.chunk.id) == after;
    points.filter(|point| !point.as_ref().is_ok_and(is_named)).take(limit).collect()
}

/// Why points of another [`FORMAT`] are refused.
fn other_format(found: impl std::fmt::Display) -> String {
    format!("its format is {found}, this version writes {FORMAT}")
}

/// A space as one line, for messages.
fn describe(space: &domain::EmbeddingSpace) -> String {
    format!("{} ({} dimensions)", space.model, space.dimensions)
}

/// The inverse document frequency of a term in one of `points` chunks, by the engine's formula
/// `ln((n - df + 0.5) / (df + 0.5) + 1)`.
fn rarest(points: usize) -> f32 {
    ((points as f32 + 1.0) / 1.5).ln()
}

/// Rarities by term. A search for one term with weight 1 scores its best chunk `idf x weight of the term in it`, so
/// the store need not be asked in a new way. `found` has that chunk's score and weight for each term that a chunk has.
fn rarities(found: impl Iterator<Item = Option<(f32, f32)>>, points: usize) -> Vec<f32> {
    let idf = |(score, weight): (f32, f32)| (weight > 0.0).then(|| score / weight);
    found.map(|best| best.and_then(idf).unwrap_or_else(|| rarest(points))).collect()
}
