//! The background worker: takes queued jobs one by one and ingests their originals.

use std::time::Duration;

use db::{Job, JobError};
use ingest::IngestItem;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;

/// How often the queue is looked at without being told: another process may share the database.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Works until `stop`; the job in hand is finished first.
pub async fn run(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match app.knowledge.db.claim_job().await {
            Ok(Some(job)) => work(&app, job).await,
            Ok(None) => wait(&app, &stop).await,
            Err(error) => {
                warn!(%error, "the job queue cannot be read");
                wait(&app, &stop).await;
            }
        }
    }
}

async fn wait(app: &App, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = app.job_queued.notified() => {}
        () = tokio::time::sleep(LOOK_EVERY) => {}
    }
}

async fn work(app: &App, job: Job) {
    let db = &app.knowledge.db;
    let (id, source) = (job.id, job.source.clone());
    let outcome = match ingest(app, job).await {
        Ok(ingested) => {
            info!(job = %id, source, chunks = ingested.chunks, "ingested");
            db.complete_job(id, ingested.document).await
        }
        Err(failure) => {
            warn!(job = %id, source, code = failure.code, message = failure.message, "not ingested");
            db.fail_job(id, failure).await
        }
    };
    if let Err(error) = outcome {
        // The job stays "running" and is queued again at the next start; ingesting twice changes nothing.
        error!(job = %id, %error, "the job's outcome could not be stored");
    }
}

async fn ingest(app: &App, job: Job) -> Result<ingest::Ingested, JobError> {
    let bytes =
        app.knowledge.originals.read(&job.content_hash).await.map_err(|error| JobError {
            code: "original_unreadable".to_owned(),
            message: error.to_string(),
        })?;
    let item = IngestItem {
        workspace: job.workspace,
        collection: job.collection,
        source: job.source,
        bytes,
        tags: job.tags,
        dated_at: job.dated_at,
        force: false,
    };
    app.knowledge
        .pipeline
        .ingest(item)
        .await
        .map_err(|error| JobError { code: error.code().to_owned(), message: error.to_string() })
}
