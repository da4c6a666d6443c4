//! `/api/v1/collections`: documents that are searched together.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::CollectionId;
use ingest::CollectionRemoval;
use service::App;

use crate::api::collections::{Collection, CollectionChange, CollectionList, NewCollection};
use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;
use crate::extract::{self, Path, Tenant};
use crate::localized_text::LocalizedText;

const MAX_NAME_CHARACTERS: usize = 100;

/// List collections
#[utoipa::path(
    get, path = "/collections", tag = "collections", operation_id = "list_collections",
    responses((status = 200, description = "The collections, by name.", body = CollectionList)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
) -> Result<Json<CollectionList>, ApiError> {
    Ok(Json(app.db.collections(workspace).await?.into()))
}

/// Create a collection
///
/// The same name again is the same collection.
#[utoipa::path(
    post, path = "/collections", tag = "collections", operation_id = "create_collection",
    request_body = NewCollection,
    responses((status = 201, description = "The collection.", body = Collection)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    extract::Json(new): extract::Json<NewCollection>,
) -> Result<(StatusCode, Json<Collection>), ApiError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARACTERS || name.chars().any(char::is_control) {
        let max = MAX_NAME_CHARACTERS;
        let text = LocalizedText::with("error-invalid-value-characters", [("max", max.into())]);
        return Err(ApiError::invalid("name", text));
    }
    let collection = app.db.ensure_collection(workspace, name, new.visibility.into()).await?;
    Ok((StatusCode::CREATED, Json(collection.into())))
}

/// Change a collection
#[utoipa::path(
    patch, path = "/collections/{collection}", tag = "collections", operation_id = "change_collection",
    params(("collection" = Uuid, Path, description = "The collection.")),
    request_body = CollectionChange,
    responses(
        (status = 200, description = "The collection as it is now.", body = Collection),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn change(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<CollectionId>,
    extract::Json(change): extract::Json<CollectionChange>,
) -> Result<Json<Collection>, ApiError> {
    let Some(threshold) = change.evidence_threshold else {
        return Ok(Json(app.db.collection(workspace, id).await?.into()));
    };
    if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
        let text = LocalizedText::key("error-invalid-value-threshold");
        return Err(ApiError::invalid("evidence_threshold", text));
    }
    Ok(Json(app.db.set_evidence_threshold(workspace, id, threshold).await?.into()))
}

/// Delete a collection with its documents
///
/// Nothing of the documents is kept, as when each of them is deleted.
#[utoipa::path(
    delete, path = "/collections/{collection}", tag = "collections", operation_id = "delete_collection",
    params(("collection" = Uuid, Path, description = "The collection.")),
    responses(
        (status = 204, description = "The collection is deleted."),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
        (status = 507, description = "The disk is full.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<CollectionId>,
) -> Result<StatusCode, ApiError> {
    CollectionRemoval::new(&app.knowledge().await?.ingest).remove(workspace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
