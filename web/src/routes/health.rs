//! `/healthz` and `/readyz`: for whoever watches the process.

use axum::extract::State;
use axum::http::StatusCode;
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;

/// Whether the process runs
#[utoipa::path(
    get, path = "/healthz", tag = "server", operation_id = "show_health",
    responses((status = 200, description = "The process runs.")),
)]
pub(crate) async fn alive() -> StatusCode {
    StatusCode::OK
}

/// Whether the server can answer
///
/// Models are loaded before the server listens, so this is about the database.
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "show_readiness",
    responses(
        (status = 200, description = "The server can answer."),
        (status = 503, description = "The database does not answer.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<StatusCode, ApiError> {
    app.db.ping().await?;
    Ok(StatusCode::OK)
}
