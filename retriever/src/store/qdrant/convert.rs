//! Converts between the values of `domain` and those of qdrant-client.

use std::collections::HashMap;

use domain::{ChunkPoint, ScoredChunk, SparseVector, VectorStoreError};
use qdrant_client::Payload;
use qdrant_client::qdrant::{
    Condition, Filter, NamedVectors, PointStruct, Range, RetrievedPoint, ScoredPoint, Value, Vector,
    vector_output,
};

use crate::store::idf::TermHit;
use crate::store::layout::{DENSE, SPARSE, check_dimensions};
use crate::store::payload;

pub(super) fn to_point(point: ChunkPoint, dimensions: usize) -> Result<PointStruct, VectorStoreError> {
    let mut vectors = NamedVectors::default();
    if let Some(dense) = point.dense {
        check_dimensions(&dense, dimensions)?;
        vectors = vectors.add_vector(DENSE, dense);
    }
    if !point.sparse.is_empty() {
        vectors = vectors.add_vector(SPARSE, Vector::new_sparse(point.sparse.indices, point.sparse.values));
    }
    let payload: HashMap<String, Value> = Payload::from(payload::of_chunk(&point.chunk)?).into();
    Ok(PointStruct::new(point.chunk.id.to_string(), vectors, payload))
}

pub(super) fn from_point(point: RetrievedPoint) -> Result<ChunkPoint, VectorStoreError> {
    let chunk = payload::to_chunk(serde_json::Map::from(Payload::from(point.payload)))?;
    let vector = |name| point.vectors.as_ref().and_then(|vectors| vectors.get_vector_by_name(name));
    let dense = match vector(DENSE) {
        Some(vector_output::Vector::Dense(dense)) => Some(dense.data),
        _ => None,
    };
    let sparse = match vector(SPARSE) {
        Some(vector_output::Vector::Sparse(terms)) => {
            SparseVector { indices: terms.indices, values: terms.values }
        }
        _ => SparseVector::default(),
    };
    Ok(ChunkPoint { chunk, dense, sparse })
}

pub(super) fn from_hit(hit: ScoredPoint) -> Result<ScoredChunk, VectorStoreError> {
    let chunk = payload::to_chunk(serde_json::Map::from(Payload::from(hit.payload)))?;
    Ok(ScoredChunk { chunk, score: hit.score })
}

/// The score of a hit, and the weight of `term` in it; `None` if the hit does not contain the term.
pub(super) fn to_term_hit(hit: ScoredPoint, term: u32) -> Option<TermHit> {
    let vector_output::Vector::Sparse(weights) = hit.vectors?.get_vector_by_name(SPARSE)? else {
        return None;
    };
    let at = weights.indices.iter().position(|index| *index == term)?;
    Some(TermHit { score: hit.score, weight: *weights.values.get(at)? })
}

/// A filter whose conditions must all hold.
pub(super) fn to_filter(conditions: Vec<payload::Condition>) -> Filter {
    Filter::must(conditions.into_iter().map(|condition| match condition {
        payload::Condition::AnyOf(field, values) => Condition::matches(field, values),
        payload::Condition::Between { field, from, until } => {
            Condition::range(field, Range { gte: from, lt: until, ..Range::default() })
        }
    }))
}

/// Approximate size of a point in a request.
pub(super) fn size_bytes(point: &ChunkPoint) -> usize {
    let dense = point.dense.as_ref().map_or(0, |vector| vector.len() * 4);
    dense + point.sparse.indices.len() * 8 + point.chunk.text.len() + 1_000
}
