//! `/healthz` and `/readyz`: for whoever watches the process.

use axum::extract::State;
use axum::http::StatusCode;
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;

/// Whether the process runs
#[utoipa::path(
    get, path = "/healthz", tag = "server", operation_id = "show_health", security(()),
    responses((status = 200, description = "The process runs.")),
)]
pub(crate) async fn alive() -> StatusCode {
    StatusCode::OK
}

/// Whether the server can answer
///
/// Asks the database, the vector store, the embedder, the generator and the workers of jobs; the message names those that are
/// not ready.
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "show_readiness", security(()),
    responses(
        (status = 200, description = "The server can answer."),
        (status = 503, description = "A part of it is not ready; the message names it.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<StatusCode, ApiError> {
    let not_ready = app.parts_not_ready().await;
    if not_ready.is_empty() { Ok(StatusCode::OK) } else { Err(not_ready.into()) }
}
