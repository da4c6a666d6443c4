//! `/api/v1/jobs`: what became of uploads.

use axum::Json;
use axum::extract::State;
use db::Job;
use domain::JobId;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Tenant};

const MOST_JOBS: u32 = 200;

/// The newest jobs, newest first.
pub async fn list(State(app): State<App>, Tenant(workspace): Tenant) -> Result<Json<Value>, ApiError> {
    let jobs: Vec<Job> = app.knowledge.db.jobs(workspace, MOST_JOBS).await?;
    Ok(Json(json!({ "jobs": jobs })))
}

/// One job.
pub async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<JobId>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "job": app.knowledge.db.job(workspace, id).await? })))
}
