//! `/api/v1/reindex`: builds a new vector index, while the old one answers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api::reindex::{ReindexRequest, ReindexStatus};
use crate::api_error::ApiError;
use crate::extract::{self, Language};
use crate::localized_text::LocalizedText;

/// The length of the longest path.
const MAX_EMBEDDER_BYTES: usize = 4_096;

/// Start to rebuild the vector index
#[utoipa::path(
    post, path = "/reindex", tag = "maintenance", operation_id = "start_reindex", request_body = ReindexRequest,
    responses(
        (status = 202, description = "The rebuild runs.", body = ReindexStatus),
        (status = 409, description = "A rebuild is running already.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn begin(
    State(app): State<App>,
    Language(locale): Language,
    extract::Json(request): extract::Json<ReindexRequest>,
) -> Result<(StatusCode, Json<ReindexStatus>), ApiError> {
    let asked = request.embedder.as_deref();
    if asked.is_some_and(|name| name.is_empty() || name.len() > MAX_EMBEDDER_BYTES) {
        let text = LocalizedText::with("error-invalid-value-bytes", [("max", MAX_EMBEDDER_BYTES.into())]);
        return Err(ApiError::invalid("embedder", text));
    }
    // An embedder that does not exist is refused now, not after a while.
    let embedder = app.indexes.installed(asked).await?;
    match app.reindexing.request(embedder) {
        Some(status) => Ok((StatusCode::ACCEPTED, Json(ReindexStatus::from(status).localized(locale)))),
        None => Err(ApiError::of_code(StatusCode::CONFLICT, "reindex_running")),
    }
}

/// Show how the rebuild stands, or how the last one ended
#[utoipa::path(
    get, path = "/reindex", tag = "maintenance", operation_id = "show_reindex",
    responses((status = 200, description = "How it stands.", body = ReindexStatus)),
)]
pub(crate) async fn show(State(app): State<App>, Language(locale): Language) -> Json<ReindexStatus> {
    Json(ReindexStatus::from(app.reindexing.status()).localized(locale))
}
