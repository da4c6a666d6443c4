//! Switches the live index: in one SQL transaction, then in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Database, DbError};
use domain::{Index, IndexId, LiveIndex};

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::index::build::Build;
use crate::index::lock::{IndexLock, StoringPaused};

/// Maximum wait for the questions that still use the former index; they take milliseconds.
const MAX_QUESTION_TIME: Duration = Duration::from_secs(60);

/// Pause between two checks whether an index is still in use.
const IN_USE_POLL: Duration = Duration::from_millis(20);

/// Pause between two attempts to learn from a database that did not answer whether it has switched.
const OUTCOME_POLL: Duration = Duration::from_secs(1);

/// What a switch came to.
pub(crate) enum Switched {
    /// The built index is live.
    Done,
    /// The built index is not complete yet. Storing is still paused.
    NotComplete(StoringPaused),
}

/// Makes a built index the live one.
#[derive(Clone)]
pub(crate) struct IndexSwitch {
    db: Database,
    index: Arc<LiveIndex>,
    index_lock: Arc<IndexLock>,
}

impl IndexSwitch {
    pub(crate) fn new(context: &IngestContext) -> Self {
        Self { db: context.db.clone(), index: context.index.clone(), index_lock: context.index_lock.clone() }
    }

    /// Makes the built index live if it is complete, and waits until nobody uses the former one. The caller has paused
    /// storing.
    pub(crate) async fn switch(&self, build: &Build, paused: StoringPaused) -> Result<Switched, IngestError> {
        let (switch, build) = (self.clone(), build.clone());
        // A task of its own: once SQL has switched, memory must follow, even if the caller is dropped.
        let switching = tokio::spawn(async move {
            let _sweeping = switch.index_lock.sweep().await;
            if !switch.switch_in_sql(build.id).await? {
                return Ok(Err(paused));
            }
            Ok::<_, DbError>(Ok((switch.index.replace(build.index.clone()), build.index)))
        });
        let switched = switching.await.map_err(|error| DbError::Failed(error.into()))?;
        match switched? {
            Err(paused) => Ok(Switched::NotComplete(paused)),
            Ok((before, now)) => {
                if !Arc::ptr_eq(&before, &now) {
                    wait_until_unused(before).await;
                }
                Ok(Switched::Done)
            }
        }
    }

    async fn switch_in_sql(&self, index: IndexId) -> Result<bool, DbError> {
        match self.db.switch_index(index).await {
            // The connection broke, perhaps after the transaction was committed.
            Err(DbError::Unavailable(_)) => {}
            decided => return decided,
        }
        loop {
            match self.db.live_index().await {
                Err(DbError::Unavailable(_)) => tokio::time::sleep(OUTCOME_POLL).await,
                live => return Ok(live?.is_some_and(|live| live.id == index)),
            }
        }
    }
}

/// Waits for the questions that began before another index took over.
async fn wait_until_unused(index: Arc<Index>) {
    let deadline = Instant::now() + MAX_QUESTION_TIME;
    while Arc::strong_count(&index) > 1 && Instant::now() < deadline {
        tokio::time::sleep(IN_USE_POLL).await;
    }
}
