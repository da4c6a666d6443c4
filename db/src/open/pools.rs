//! The connection pools that opening a database returns.

use sqlx::AnyPool;

/// Pools of one database. Both may be the same one.
pub(super) struct Pools {
    pub(super) reads: AnyPool,
    pub(super) writes: AnyPool,
}
