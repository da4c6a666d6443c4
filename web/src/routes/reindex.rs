//! `/api/v1/reindex`: another index in the place of the one that answers, while that one answers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::app::reindexing::ReindexStatus;
use crate::error::ApiError;
use crate::extract;

/// As many as a path may have.
const MOST_NAME_BYTES: usize = 4_096;

/// What to build.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReindexRequest {
    /// A catalog id, or the path of a folder on this machine. Without it: an unfinished build, or the embedder in use.
    embedder: Option<String>,
}

/// Begins a rebuild; one at a time.
pub async fn begin(
    State(app): State<App>,
    extract::Json(request): extract::Json<ReindexRequest>,
) -> Result<(StatusCode, Json<ReindexStatus>), ApiError> {
    let asked = request.embedder.as_deref();
    if asked.is_some_and(|name| name.is_empty() || name.len() > MOST_NAME_BYTES) {
        return Err(ApiError::invalid("embedder", format!("must have 1 to {MOST_NAME_BYTES} bytes")));
    }
    // One that is not there is refused now, not after a while.
    let embedder = app.knowledge.indexes.checked(asked).await?;
    let begun = app.reindexing.ask(embedder).ok_or_else(|| {
        ApiError::new(StatusCode::CONFLICT, "reindex_running", "the documents are being reindexed already")
    })?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// How it stands, or how the last one ended.
pub async fn show(State(app): State<App>) -> Json<ReindexStatus> {
    Json(app.reindexing.status())
}
