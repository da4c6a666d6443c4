//! `/api/v1/jobs`: what became of uploads, and what is to become of them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use async_stream::stream;
use axum::Json;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use db::{Job, JobFilter, JobState};
use domain::{JobId, WorkspaceId};
use futures::Stream;
use serde::{Deserialize, Serialize};
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
    parent: Option<JobId>,
    before: Option<JobId>,
    limit: Option<u32>,
}

/// A job, and how many members stand where if it is an archive.
#[derive(Debug, PartialEq, Serialize)]
pub struct JobView {
    job: Job,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    members: BTreeMap<JobState, u64>,
}

impl JobView {
    async fn read(app: &App, workspace: WorkspaceId, id: JobId) -> Result<Self, ApiError> {
        let db = &app.knowledge.db;
        Ok(Self { job: db.job(workspace, id).await?, members: db.job_members(workspace, id).await? })
    }

    fn is_final(&self) -> bool {
        self.job.state.is_final() && self.members.keys().all(|state| state.is_final())
    }
}

/// Jobs, newest first, and where the next part begins.
pub async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let Page { state, parent, before, limit } = page;
    let limit = limit.unwrap_or(MOST_JOBS).clamp(1, MOST_JOBS);
    let jobs = app.knowledge.db.jobs(workspace, JobFilter { state, parent, before }, limit).await?;
    let next = (jobs.len() == limit as usize).then(|| jobs.last().map(|job| job.id)).flatten();
    Ok(Json(json!({ "jobs": jobs, "next": next })))
}

/// One job.
pub async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>, ApiError> {
    Ok(Json(JobView::read(&app, workspace, id).await?))
}

/// Calls a job off; what was begun of its document is put away.
pub async fn cancel(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>, ApiError> {
    app.knowledge.db.cancel_job(workspace, id).await?;
    app.jobs_changed.send_replace(());
    Ok(Json(JobView::read(&app, workspace, id).await?))
}

/// Queues a job again that failed or was called off.
pub async fn retry(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>, ApiError> {
    app.knowledge.db.retry_job(workspace, id).await?;
    app.jobs_changed.send_replace(());
    Ok(Json(JobView::read(&app, workspace, id).await?))
}

/// A job as Server-Sent Events: `job` whenever it changes, until it and its members have come to their end.
pub async fn follow(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + Send>, ApiError> {
    let mut changes = app.jobs_changed.subscribe();
    let mut view = JobView::read(&app, workspace, id).await?;
    Ok(sse::kept_alive(stream! {
        yield Ok(sse::named("job", &view));
        while !view.is_final() {
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match JobView::read(&app, workspace, id).await {
                Ok(now) if now == view => {}
                Ok(now) => {
                    view = now;
                    yield Ok(sse::named("job", &view));
                }
                Err(error) => {
                    yield Ok(sse::failed(error));
                    return;
                }
            }
        }
    }))
}
