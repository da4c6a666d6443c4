//! Converts between the values of `domain` and those of the engine.

use std::collections::HashMap;

use domain::{Cause, ChunkPoint, ScoredChunk, SparseVector, VectorStoreError};
use qdrant_edge::{
    Condition, FieldCondition, Filter, JsonPath, Match, OperationResult, Payload, PointId,
    PointStructPersisted, Range, Record, ScoredPoint, VectorInternal, VectorPersisted, VectorStructInternal,
    VectorStructPersisted,
};

use crate::store::idf::TermHit;
use crate::store::layout::{DENSE, SPARSE, check_dimensions};
use crate::store::payload;

pub(super) fn to_point(
    point: ChunkPoint,
    dimensions: usize,
) -> Result<PointStructPersisted, VectorStoreError> {
    let mut vectors = HashMap::new();
    if let Some(dense) = point.dense {
        check_dimensions(&dense, dimensions)?;
        vectors.insert(DENSE.to_owned(), VectorPersisted::Dense(dense));
    }
    if !point.sparse.is_empty() {
        vectors.insert(SPARSE.to_owned(), VectorPersisted::Sparse(to_sparse(&point.sparse)?));
    }
    Ok(PointStructPersisted {
        id: PointId::Uuid(point.chunk.id.0),
        vector: VectorStructPersisted::Named(vectors),
        payload: Some(Payload(payload::of_chunk(&point.chunk)?)),
    })
}

pub(super) fn from_record(record: Record) -> Result<ChunkPoint, VectorStoreError> {
    let chunk = payload::to_chunk(record.payload.unwrap_or_default().0)?;
    let mut point = ChunkPoint { chunk, dense: None, sparse: SparseVector::default() };
    if let Some(VectorStructInternal::Named(vectors)) = record.vector {
        for (name, vector) in vectors {
            match vector {
                VectorInternal::Dense(dense) if name == DENSE => point.dense = Some(dense),
                VectorInternal::Sparse(terms) if name == SPARSE => {
                    point.sparse = SparseVector { indices: terms.indices, values: terms.values };
                }
                _ => {}
            }
        }
    }
    Ok(point)
}

pub(super) fn from_hit(hit: ScoredPoint) -> Result<ScoredChunk, VectorStoreError> {
    let chunk = payload::to_chunk(hit.payload.unwrap_or_default().0)?;
    Ok(ScoredChunk { chunk, score: hit.score })
}

/// The score of a hit, and the weight of `term` in it; `None` if the hit does not contain the term.
pub(super) fn to_term_hit(hit: ScoredPoint, term: u32) -> Option<TermHit> {
    let VectorStructInternal::Named(vectors) = hit.vector? else { return None };
    let VectorInternal::Sparse(vector) = vectors.get(SPARSE)? else { return None };
    let at = vector.indices.iter().position(|index| *index == term)?;
    Some(TermHit { score: hit.score, weight: vector.values[at] })
}

pub(super) fn to_sparse(terms: &SparseVector) -> Result<qdrant_edge::SparseVector, VectorStoreError> {
    qdrant_edge::SparseVector::new(terms.indices.clone(), terms.values.clone())
        .map_err(|error| VectorStoreError::Failed(Cause::with_context("invalid sparse vector", error)))
}

/// A filter whose conditions must all hold.
pub(super) fn to_filter(conditions: Vec<payload::Condition>) -> Result<Filter, VectorStoreError> {
    let must = conditions.into_iter().map(|condition| {
        Ok(Condition::Field(match condition {
            payload::Condition::AnyOf(field, values) => {
                FieldCondition::new_match(json_path(field)?, Match::from(values))
            }
            payload::Condition::Between { field, from, until } => {
                let range =
                    Range { gte: from.map(Into::into), lt: until.map(Into::into), gt: None, lte: None };
                FieldCondition::new_range(json_path(field)?, range)
            }
        }))
    });
    Ok(Filter { must: Some(must.collect::<Result<_, VectorStoreError>>()?), ..Filter::new() })
}

pub(super) fn json_path(field: &str) -> Result<JsonPath, VectorStoreError> {
    field.parse().map_err(|()| VectorStoreError::Failed(format!("invalid payload field `{field}`").into()))
}

pub(super) fn engine_result<T>(result: OperationResult<T>) -> Result<T, VectorStoreError> {
    result.map_err(|error| VectorStoreError::Failed(error.into()))
}
