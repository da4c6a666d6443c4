//! `/api/v1/documents/{document}/versions`: what a document said before.

use axum::Json;
use axum::extract::State;
use domain::DocumentId;
use ingest::VersionRestore;
use service::App;

use crate::api::documents::Document;
use crate::api::errors::ErrorEnvelope;
use crate::api::versions::{Version, VersionList, VersionQuery, VersionSummary};
use crate::api_error::ApiError;
use crate::extract::{Path, Query, Tenant};
use crate::routes::page;

const MAX_VERSIONS: u32 = 200;

/// List a document's versions
#[utoipa::path(
    get, path = "/documents/{document}/versions", tag = "documents", operation_id = "list_versions",
    params(("document" = Uuid, Path, description = "The document."), VersionQuery),
    responses(
        (status = 200, description = "A page of the versions, newest first.", body = VersionList),
        (status = 404, description = "There is no such document.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
    Query(query): Query<VersionQuery>,
) -> Result<Json<VersionList>, ApiError> {
    let document = app.db.document(workspace, id).await?;
    let limit = query.limit.unwrap_or(MAX_VERSIONS).clamp(1, MAX_VERSIONS);
    let versions = app.db.version_history(workspace, document.id, query.before, limit).await?;
    let next = page::next(&versions, limit, |version| version.number);
    Ok(Json(VersionList { versions: versions.into_iter().map(VersionSummary::from).collect(), next }))
}

/// Show a version with its text
#[utoipa::path(
    get, path = "/documents/{document}/versions/{number}", tag = "documents", operation_id = "show_version",
    params(("document" = Uuid, Path, description = "The document."), ("number" = u32, Path, description = "The version's number.")),
    responses(
        (status = 200, description = "The version.", body = Version),
        (status = 404, description = "There is no such document or version.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path((id, number)): Path<(DocumentId, u32)>,
) -> Result<Json<Version>, ApiError> {
    let document = app.db.document(workspace, id).await?;
    Ok(Json(app.db.version_by_number(workspace, document.id, number).await?.into()))
}

/// Restore a version
///
/// Its text becomes a new version, by which the document answers when the response comes.
#[utoipa::path(
    post, path = "/documents/{document}/versions/{number}/restore", tag = "documents", operation_id = "restore_version",
    params(("document" = Uuid, Path, description = "The document."), ("number" = u32, Path, description = "The version's number.")),
    responses(
        (status = 200, description = "The document as it is now.", body = Document),
        (status = 404, description = "There is no such document or version.", body = ErrorEnvelope),
        (status = 409, description = "The version cannot be restored.", body = ErrorEnvelope),
        (status = 507, description = "The disk is full.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn restore(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path((id, number)): Path<(DocumentId, u32)>,
) -> Result<Json<Document>, ApiError> {
    VersionRestore::new(&app.knowledge().await?.ingest).restore_version(workspace, id, number).await?;
    Ok(Json(app.db.document(workspace, id).await?.into()))
}
