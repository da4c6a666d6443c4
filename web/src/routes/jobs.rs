//! `/api/v1/jobs`: what became of uploads, and what is to become of them.

use std::convert::Infallible;
use std::time::Duration;

use async_stream::stream;
use axum::Json;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use db::{Job, JobFilter, JobState};
use domain::JobId;
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query, Tenant};
use crate::sse;

const MOST_JOBS: u32 = 200;

/// How often a job is looked at that nobody said anything of: another process may work on it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Which part of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    state: Option<JobState>,
    before: Option<JobId>,
    parent: Option<JobId>,
    limit: Option<u32>,
}

/// Jobs, newest first, and where the next part begins.
pub async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let Page { state, before, parent, limit } = page;
    let limit = limit.unwrap_or(MOST_JOBS).clamp(1, MOST_JOBS);
    let jobs = app.knowledge.db.jobs(workspace, JobFilter { state, before, parent }, limit).await?;
    let next = super::next(&jobs, limit, |job| job.id);
    Ok(Json(json!({ "jobs": jobs, "next": next })))
}

/// One job.
pub async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "job": app.knowledge.db.job(workspace, id).await? })))
}

/// Calls a job off; what was begun of its document is put away.
pub async fn cancel(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<Value>, ApiError> {
    let job = app.knowledge.db.cancel_job(workspace, id).await?;
    app.jobs_changed.send_replace(());
    Ok(Json(json!({ "job": job })))
}

/// Queues a job again that failed or was called off.
pub async fn retry(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<Value>, ApiError> {
    let job = app.knowledge.db.retry_job(workspace, id).await?;
    app.jobs_changed.send_replace(());
    Ok(Json(json!({ "job": job })))
}

/// A job as Server-Sent Events: `job` whenever it changes, until it has come to its end.
pub async fn follow(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + Send>, ApiError> {
    let mut changes = app.jobs_changed.subscribe();
    let mut job = app.knowledge.db.job(workspace, id).await?;
    Ok(sse::kept_alive(stream! {
        yield Ok(event(&job));
        while !job.state.is_final() {
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match app.knowledge.db.job(workspace, id).await {
                Ok(now) if now == job => {}
                Ok(now) => {
                    job = now;
                    yield Ok(event(&job));
                }
                Err(error) => {
                    yield Ok(sse::failed(error.into()));
                    return;
                }
            }
        }
    }))
}

fn event(job: &Job) -> Event {
    sse::named("job", &json!({ "job": job }))
}
