//! `/api/v1/doctor`: whether database, vector index and originals agree.

use axum::Json;
use axum::extract::State;
use service::App;

use crate::api::doctor::{DoctorReport, DoctorRequest};
use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;
use crate::extract::{self, Language};

/// Check that database, vector index and originals agree
///
/// With `fix`, what is wrong is repaired as far as nothing is lost by it.
#[utoipa::path(
    post, path = "/doctor", tag = "maintenance", operation_id = "check", request_body = DoctorRequest,
    responses(
        (status = 200, description = "What was found.", body = DoctorReport),
        (status = 409, description = "A backup or a check is running.", body = ErrorEnvelope),
        (status = 507, description = "The disk is full.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn check(
    State(app): State<App>,
    Language(locale): Language,
    extract::Json(request): extract::Json<DoctorRequest>,
) -> Result<Json<DoctorReport>, ApiError> {
    let lock = app.begin_maintenance()?;
    // A task of its own: a repair goes on when the client leaves.
    let checking = tokio::spawn(async move {
        let _lock = lock;
        service::doctor::check(&app, request.fix).await
    });
    match checking.await {
        Ok(report) => Ok(Json(DoctorReport::from(report?).localized(locale))),
        Err(ended) => Err(ApiError::internal("internal", ended.to_string())),
    }
}
