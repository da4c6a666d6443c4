//! The vector indexes of an installation: opening, building, replacing and removing them.

pub(crate) mod rebuild;
mod reindexing;
mod vector_indexes;

pub use reindexing::{ReindexStatus, Reindexing};
pub use vector_indexes::{EmbedderError, Indexes, OrphanError, embedder_in_use};
