//! `/api/v1/jobs`: documents on their way in.

use std::time::Duration;

use async_stream::stream;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use db::JobFilter;
use domain::{JobId, WorkspaceId};
use futures::Stream;
use locales::Locale;
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api::jobs::{Job, JobEvent, JobList, JobQuery, JobReply};
use crate::api_error::ApiError;
use crate::extract::{Language, Path, Query, Tenant};
use crate::routes::page;
use crate::sse;

const MAX_JOBS: u32 = 200;

/// How often a job is read of which this process has heard nothing: another process may work on it.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// List jobs
#[utoipa::path(
    get, path = "/jobs", tag = "jobs", operation_id = "list_jobs", params(JobQuery),
    responses((status = 200, description = "The jobs, newest first.", body = JobList)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Query(query): Query<JobQuery>,
) -> Result<Json<JobList>, ApiError> {
    let JobQuery { state, before, parent, limit } = query;
    let limit = limit.unwrap_or(MAX_JOBS).clamp(1, MAX_JOBS);
    let filter = JobFilter { state: state.map(Into::into), before, parent };
    let jobs = app.db.jobs(workspace, filter, limit).await?;
    let next = page::next(&jobs, limit, |job| job.id);
    let jobs = jobs.into_iter().map(|job| Job::from(job).localized(locale)).collect();
    Ok(Json(JobList { jobs, next }))
}

/// Show a job
#[utoipa::path(
    get, path = "/jobs/{job}", tag = "jobs", operation_id = "show_job",
    params(("job" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The job.", body = JobReply),
        (status = 404, description = "There is no such job.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(id): Path<JobId>,
) -> Result<Json<JobReply>, ApiError> {
    Ok(Json(JobReply::new(app.db.job(workspace, id).await?, locale)))
}

/// Cancel a job
///
/// What was stored of its document is removed; the version before it goes on answering.
#[utoipa::path(
    delete, path = "/jobs/{job}", tag = "jobs", operation_id = "cancel_job",
    params(("job" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The job as it is now.", body = JobReply),
        (status = 404, description = "There is no such job.", body = ErrorEnvelope),
        (status = 409, description = "The job has ended.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(id): Path<JobId>,
) -> Result<Json<JobReply>, ApiError> {
    let job = app.db.cancel_job(workspace, id).await?;
    app.jobs_changed.send_replace(());
    Ok(Json(JobReply::new(job, locale)))
}

/// Retry a job that failed or was cancelled
#[utoipa::path(
    post, path = "/jobs/{job}/retry", tag = "jobs", operation_id = "retry_job",
    params(("job" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The job as it is now.", body = JobReply),
        (status = 404, description = "There is no such job.", body = ErrorEnvelope),
        (status = 409, description = "The job has neither failed nor been cancelled.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn retry(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(id): Path<JobId>,
) -> Result<Json<JobReply>, ApiError> {
    let job = app.db.retry_job(workspace, id).await?;
    app.jobs_changed.send_replace(());
    Ok(Json(JobReply::new(job, locale)))
}

/// Follow a job until it has ended
#[utoipa::path(
    get, path = "/jobs/{job}/events", tag = "jobs", operation_id = "follow_job",
    params(("job" = Uuid, Path, description = "The job.")),
    responses(
        (
            status = 200, description = "The job whenever it changes.",
            body = JobEvent, content_type = "text/event-stream",
        ),
        (status = 404, description = "There is no such job.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn follow(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(id): Path<JobId>,
) -> Result<Response, ApiError> {
    // Before the job is read, so that no change is missed.
    let changes = app.jobs_changed.subscribe();
    let job = app.db.job(workspace, id).await?;
    Ok(sse::response(events(app, workspace, job, changes, locale)))
}

fn events(
    app: App,
    workspace: WorkspaceId,
    mut job: db::Job,
    mut changes: tokio::sync::watch::Receiver<()>,
    locale: Locale,
) -> impl Stream<Item = JobEvent> + Send {
    stream! {
        yield JobEvent::Job(JobReply::new(job.clone(), locale));
        while !job.state.is_final() {
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            match app.db.job(workspace, job.id).await {
                Ok(current) if current == job => {}
                Ok(current) => {
                    job = current;
                    yield JobEvent::Job(JobReply::new(job.clone(), locale));
                }
                Err(error) => {
                    yield JobEvent::Error(ApiError::from(error).event(locale));
                    return;
                }
            }
        }
    }
}
