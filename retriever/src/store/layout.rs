//! Defines the layout of points, and describes points with another layout or embedding space.

use std::fmt::Display;

use domain::{EmbeddingSpace, VectorStoreError};

/// Version of the layout: names of vectors, fields of the payload, term ids. Each store keeps the number beside its
/// points; points with another number must be made again.
pub(super) const FORMAT: u32 = 2;

/// Name of the dense vector.
pub(super) const DENSE: &str = "dense";

/// Name of the sparse vector.
pub(super) const SPARSE: &str = "sparse";

/// Why points with another [`FORMAT`] are refused.
pub(super) fn format_mismatch(found: impl Display) -> String {
    format!("its format is {found}; this version reads format {FORMAT}")
}

/// The error of opening vectors of the space `found` with an embedder of the space `expected`.
pub(super) fn space_mismatch(expected: &EmbeddingSpace, found: &EmbeddingSpace) -> VectorStoreError {
    let describe = |space: &EmbeddingSpace| format!("{} ({} dimensions)", space.model, space.dimensions);
    VectorStoreError::SpaceMismatch { expected: describe(expected), found: describe(found) }
}

/// Checks that a vector has the dimensions of the store.
pub(super) fn check_dimensions(vector: &[f32], dimensions: usize) -> Result<(), VectorStoreError> {
    if vector.len() == dimensions {
        return Ok(());
    }
    let reason = format!("the vector has {} dimensions, the embedding space {dimensions}", vector.len());
    Err(VectorStoreError::Failed(reason.into()))
}
