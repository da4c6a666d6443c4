//! Names an index that is being built: as SQL knows it, and as it is open.

use std::sync::Arc;

use domain::{Index, IndexId};

/// An index that is being built.
#[derive(Clone)]
pub struct Build {
    /// Its id.
    pub id: IndexId,
    /// The open index.
    pub index: Arc<Index>,
}
