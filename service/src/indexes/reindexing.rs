//! Holds the state of the one rebuild that a process runs at a time: requested, running, finished.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ingest::ReindexReport;
use tokio::sync::Notify;

/// The state of a rebuild, or the result of the last one.
#[derive(Debug, Clone)]
pub enum ReindexStatus {
    /// None was requested since the process started.
    Idle,
    /// It is running. The previous index answers.
    Running {
        /// The new index's embedder.
        embedder: String,
        /// Documents done.
        done: u64,
        /// Number of documents; 0 until they are counted.
        total: u64,
    },
    /// It ended; the report says whether the new index answers.
    Done {
        /// What was done.
        report: ReindexReport,
    },
    /// It stopped. What is built is kept, and the next rebuild with this embedder continues from there.
    Failed {
        /// Why.
        message: String,
    },
}

/// The rebuild of this process, if there is one.
pub struct Reindexing {
    state: Mutex<State>,
    requested: Notify,
}

struct State {
    status: ReindexStatus,
    /// The embedder of a rebuild that is requested and not started.
    pending: Option<String>,
}

impl Default for Reindexing {
    fn default() -> Self {
        let state = State { status: ReindexStatus::Idle, pending: None };
        Self { state: Mutex::new(state), requested: Notify::new() }
    }
}

impl Reindexing {
    /// Requests a rebuild with this embedder; `None` while another one is running.
    pub fn request(&self, embedder: String) -> Option<ReindexStatus> {
        let mut state = self.state();
        if matches!(state.status, ReindexStatus::Running { .. }) {
            return None;
        }
        state.status = ReindexStatus::Running { embedder: embedder.clone(), done: 0, total: 0 };
        state.pending = Some(embedder);
        self.requested.notify_one();
        Some(state.status.clone())
    }

    /// The state now.
    pub fn status(&self) -> ReindexStatus {
        self.state().status.clone()
    }

    /// Waits for the next requested rebuild, and gives its embedder.
    pub(super) async fn next(&self) -> String {
        loop {
            let pending = self.state().pending.take();
            match pending {
                Some(embedder) => return embedder,
                None => self.requested.notified().await,
            }
        }
    }

    pub(super) fn set(&self, status: ReindexStatus) {
        self.state().status = status;
    }

    /// A panic while the lock is held leaves a whole state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
