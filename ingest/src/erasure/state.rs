//! Holds what the erasures of one process share.

use std::time::Instant;

use tokio::sync::{Mutex, watch};

/// What erasures share.
pub(crate) struct ErasureState {
    /// When files were last purged. Held while erasures are completed: one at a time.
    pub(crate) purged_at: Mutex<Option<Instant>>,
    /// Notified when documents were erased.
    pub(crate) erased: watch::Sender<()>,
}

impl Default for ErasureState {
    fn default() -> Self {
        Self { purged_at: Mutex::default(), erased: watch::Sender::new(()) }
    }
}
