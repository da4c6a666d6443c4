//! Orders and pages the results of both stores in the same way.

use domain::{ChunkId, ChunkPoint, ScoredChunk, VectorStoreError};

/// Sorts hits best first, and equal scores by id, so that both stores agree.
pub(super) fn sorted(mut hits: Vec<ScoredChunk>) -> Vec<ScoredChunk> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.id.cmp(&b.chunk.id)));
    hits
}

/// The first `limit` of `points`, without the one with the id `after`, which may or may not be among them.
pub(super) fn page_after(
    points: impl Iterator<Item = Result<ChunkPoint, VectorStoreError>>,
    after: Option<ChunkId>,
    limit: usize,
) -> Result<Vec<ChunkPoint>, VectorStoreError> {
    let is_after = |point: &ChunkPoint| Some(point.chunk.id) == after;
    points.filter(|point| !point.as_ref().is_ok_and(is_after)).take(limit).collect()
}
