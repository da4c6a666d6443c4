//! Rebuilds, checks and repairs the vector index from what SQL holds.

pub(crate) mod build;
pub(crate) mod build_pass;
pub(crate) mod check;
pub(crate) mod finding;
pub(crate) mod import_points;
pub(crate) mod lock;
pub(crate) mod reindex;
pub(crate) mod switch;
pub(crate) mod vector_reuse;
