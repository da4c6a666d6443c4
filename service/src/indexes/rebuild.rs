//! The one rebuild that a running server may have in hand: asked for, resumed after a restart, shown while it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use ingest::ReindexReport;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app::App;

/// How often it is tried to remove an index that is still being closed.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// How a rebuild stands, or how the last one ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReindexStatus {
    /// There was none since the server started.
    Idle,
    /// It goes on. The index before it answers.
    Running {
        /// The new index's embedder.
        embedder: String,
        /// Documents done.
        done: u64,
        /// Documents in all; 0 until they are counted.
        total: u64,
    },
    /// It came to its end; the report says whether the new index answers.
    Done {
        /// What was done.
        report: ReindexReport,
    },
    /// It was given up. What is built is kept, and the next one with this embedder goes on from there.
    Failed {
        /// Why.
        message: String,
    },
}

/// The rebuild of this process, if there is one.
pub struct Reindexing {
    state: Mutex<State>,
    asked: Notify,
}

struct State {
    status: ReindexStatus,
    /// The embedder of a rebuild that nobody has begun yet.
    waiting: Option<String>,
}

impl Default for Reindexing {
    fn default() -> Self {
        let state = State { status: ReindexStatus::Idle, waiting: None };
        Self { state: Mutex::new(state), asked: Notify::new() }
    }
}

impl Reindexing {
    /// Asks for a rebuild with this embedder; `None` while another one goes on.
    pub fn ask(&self, embedder: String) -> Option<ReindexStatus> {
        let mut state = self.state();
        if matches!(state.status, ReindexStatus::Running { .. }) {
            return None;
        }
        state.status = ReindexStatus::Running { embedder: embedder.clone(), done: 0, total: 0 };
        state.waiting = Some(embedder);
        self.asked.notify_one();
        Some(state.status.clone())
    }

    /// How it stands.
    pub fn status(&self) -> ReindexStatus {
        self.state().status.clone()
    }

    async fn next(&self) -> String {
        loop {
            let waiting = self.state().waiting.take();
            match waiting {
                Some(embedder) => return embedder,
                None => self.asked.notified().await,
            }
        }
    }

    fn set(&self, status: ReindexStatus) {
        self.state().status = status;
    }

    /// A panic while the lock is held leaves a whole state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what is asked for until `stop`, first what the last process left unfinished. A rebuild that is stopped goes on
/// with the next start.
pub async fn run(app: App, stop: CancellationToken) {
    if let Err(error) = resume(&app).await {
        warn!(%error, "an unfinished reindex cannot be resumed");
    }
    while let Some(embedder) = stop.run_until_cancelled(app.reindexing.next()).await {
        stop.run_until_cancelled(rebuild(&app, embedder)).await;
    }
}

async fn resume(app: &App) -> Result<()> {
    if app.knowledge.db.building_index().await?.is_some() {
        let embedder = app.knowledge.indexes.wanted(None).await?;
        info!(embedder, "an unfinished reindex goes on");
        app.reindexing.ask(embedder);
    }
    Ok(())
}

async fn rebuild(app: &App, embedder: String) {
    let status = match build(app, &embedder).await {
        Ok(report) => {
            let ReindexReport { switched, documents, chunks, ref failed, .. } = report;
            info!(embedder, switched, documents, chunks, failed = failed.len(), "reindexed");
            ReindexStatus::Done { report }
        }
        Err(error) => {
            let message = format!("{error:#}");
            warn!(embedder, message, "not reindexed");
            ReindexStatus::Failed { message }
        }
    };
    app.reindexing.set(status);
    if let Err(error) = remove_retired(app).await {
        warn!(error = format!("{error:#}"), "the next start tries again");
    }
}

async fn build(app: &App, embedder: &str) -> Result<ReindexReport> {
    let knowledge = &app.knowledge;
    let build = knowledge.indexes.begin_build(Some(embedder), Some(&knowledge.index)).await?;
    let report = knowledge.pipeline.reindex(&build, |progress| {
        app.reindexing.set(ReindexStatus::Running {
            embedder: embedder.to_owned(),
            done: progress.done,
            total: progress.total,
        });
    });
    Ok(report.await?)
}

/// Nobody asks the old index any more, but its thread may have to finish what it is at.
async fn remove_retired(app: &App) -> Result<()> {
    while !app.knowledge.indexes.remove_retired().await? {
        tokio::time::sleep(TRY_EVERY).await;
    }
    Ok(())
}
