//! Runs requested rebuilds of the index, and resumes one that the last process left unfinished.

use std::time::Duration;

use anyhow::Result;
use domain::with_causes;
use ingest::{Reindex, ReindexReport};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::reindexing::ReindexStatus;
use crate::app::App;

/// How often removing an index that is still being closed is retried.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Requests the rebuild that the last process left unfinished, if there is one.
pub(crate) async fn resume(app: &App) {
    let unfinished = async {
        if app.db.building_index().await?.is_some() {
            let embedder = app.indexes.wanted(None).await?;
            info!(embedder, "resuming an unfinished reindex");
            app.reindexing.request(embedder);
        }
        anyhow::Ok(())
    };
    if let Err(error) = unfinished.await {
        warn!(error = with_causes(&*error), "cannot resume an unfinished reindex");
    }
}

/// Runs what is requested until `stop`. A rebuild that is stopped continues with the next start.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while let Some(embedder) = stop.run_until_cancelled(app.reindexing.next()).await {
        stop.run_until_cancelled(rebuild(&app, embedder)).await;
        if let Err(error) = remove_retired(&app, &stop).await {
            warn!(error = with_causes(&*error), "cannot remove a retired index; the next start tries again");
        }
    }
}

async fn rebuild(app: &App, embedder: String) {
    let status = match build(app, &embedder).await {
        Ok(report) => {
            let ReindexReport { switched, documents, chunks, ref failed, .. } = report;
            info!(embedder, switched, documents, chunks, failed = failed.len(), "reindexed");
            ReindexStatus::Done { report }
        }
        Err(error) => {
            let message = with_causes(&*error);
            warn!(embedder, message, "reindex failed");
            ReindexStatus::Failed { message }
        }
    };
    app.reindexing.set(status);
}

/// Builds beside the live index where that is open. Otherwise it stays closed: it may be what the rebuild replaces because
/// it is damaged.
async fn build(app: &App, embedder: &str) -> Result<ReindexReport> {
    let (context, build) = match app.opened_knowledge() {
        Some(knowledge) => {
            let build = app.indexes.begin_build(Some(embedder), Some(&knowledge.index)).await?;
            (knowledge.ingest.clone(), build)
        }
        None => {
            let (knowledge, build) = app.open_to_build(Some(embedder)).await?;
            (knowledge.ingest, build)
        }
    };
    let on_progress = |progress: ingest::ReindexProgress| {
        app.reindexing.set(ReindexStatus::Running {
            embedder: embedder.to_owned(),
            done: progress.done,
            total: progress.total,
        });
    };
    Ok(Reindex::new(&context).run(&build, on_progress).await?)
}

/// Nobody searches the retired index any more, but its thread may have to finish what it is doing.
async fn remove_retired(app: &App, stop: &CancellationToken) -> Result<()> {
    while !app.indexes.remove_retired().await? {
        if stop.run_until_cancelled(tokio::time::sleep(RETRY_EVERY)).await.is_none() {
            break;
        }
    }
    Ok(())
}
