//! `/healthz`: the process runs. `/readyz`: it can answer.

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::App;
use crate::error::ApiError;

/// Always 200.
pub async fn alive() -> StatusCode {
    StatusCode::OK
}

/// 200 when the database answers; the models were loaded before the server listened.
pub async fn ready(State(app): State<App>) -> Result<StatusCode, ApiError> {
    app.knowledge.db.ping().await?;
    Ok(StatusCode::OK)
}
