//! `/api/v1/erasures/{document}`: the proof that nothing of a deleted document is left.

use axum::Json;
use axum::extract::State;
use domain::DocumentId;
use service::App;

use crate::api::doctor::ErasureReport;
use crate::api_error::ApiError;
use crate::extract::{Language, Path, Tenant};

/// Look for what is left of a deleted document
///
/// In the database, the vector index, the originals, and copies of the database. An unknown document leaves nothing.
#[utoipa::path(
    get, path = "/erasures/{document}", tag = "maintenance", operation_id = "show_erasure",
    params(("document" = Uuid, Path, description = "The document.")),
    responses((status = 200, description = "What is left of it.", body = ErasureReport)),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(document): Path<DocumentId>,
) -> Result<Json<ErasureReport>, ApiError> {
    let report = service::erasure::prove(&app, workspace, document).await?;
    Ok(Json(ErasureReport::from(report).localized(locale)))
}
