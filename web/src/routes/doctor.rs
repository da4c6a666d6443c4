//! `/api/v1/doctor`: what SQL, vectors and originals disagree on, while the server answers.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::app::App;
use crate::app::doctor::{DoctorReport, examine};
use crate::error::ApiError;
use crate::extract;

/// How to look.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoctorRequest {
    /// Mend what is found.
    fix: bool,
}

/// Looks at everything.
pub async fn look(
    State(app): State<App>,
    extract::Json(request): extract::Json<DoctorRequest>,
) -> Result<Json<DoctorReport>, ApiError> {
    let _turn = app.take_care()?;
    Ok(Json(examine(&app.knowledge, request.fix).await?))
}
