//! `/api/v1/collections/{collection}/documents` and `/api/v1/documents/{document}`: what there is to answer from.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{CollectionId, DocumentId};
use ingest::{DocumentRemoval, DocumentRename, NewName, TagUpdate};
use service::App;

use crate::api::documents::{Document, DocumentChange, DocumentList, DocumentQuery};
use crate::api::errors::ErrorEnvelope;
use crate::api::filter;
use crate::api_error::ApiError;
use crate::extract::{self, Path, Query, Tenant};
use crate::localized_text::LocalizedText;
use crate::routes::page;
use crate::routes::upload::checked_source;

const MAX_DOCUMENTS: u32 = 200;

/// List a collection's documents
#[utoipa::path(
    get, path = "/collections/{collection}/documents", tag = "documents", operation_id = "list_documents",
    params(("collection" = Uuid, Path, description = "The collection."), DocumentQuery),
    responses(
        (status = 200, description = "A page of the documents.", body = DocumentList),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    Query(query): Query<DocumentQuery>,
) -> Result<Json<DocumentList>, ApiError> {
    app.db.collection(workspace, collection).await?;
    let limit = query.limit.unwrap_or(MAX_DOCUMENTS).clamp(1, MAX_DOCUMENTS);
    let documents = app.db.documents(workspace, collection, query.after, limit).await?;
    let next = page::next(&documents, limit, |document| document.id);
    Ok(Json(DocumentList { documents: documents.into_iter().map(Document::from).collect(), next }))
}

/// Show a document
#[utoipa::path(
    get, path = "/documents/{document}", tag = "documents", operation_id = "show_document",
    params(("document" = Uuid, Path, description = "The document.")),
    responses(
        (status = 200, description = "The document.", body = Document),
        (status = 404, description = "There is no such document.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
) -> Result<Json<Document>, ApiError> {
    Ok(Json(app.db.document(workspace, id).await?.into()))
}

/// Change a document's tags, date or source
///
/// The document answers by the change when the response comes.
#[utoipa::path(
    patch, path = "/documents/{document}", tag = "documents", operation_id = "change_document",
    params(("document" = Uuid, Path, description = "The document.")),
    request_body = DocumentChange,
    responses(
        (status = 200, description = "The document as it is now.", body = Document),
        (status = 404, description = "There is no such document.", body = ErrorEnvelope),
        (status = 409, description = "The document cannot be changed now.", body = ErrorEnvelope),
        (status = 507, description = "The disk is full.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn change(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
    extract::Json(change): extract::Json<DocumentChange>,
) -> Result<Json<Document>, ApiError> {
    let tags = change.tags.map(|tags| filter::tags("tags", &tags)).transpose()?;
    let dated_at = change.dated_at.map(|text| filter::time("dated_at", &text)).transpose()?;
    let ingest = &app.knowledge().await?.ingest;
    if let Some(source) = change.source {
        let name = NewName { source: checked_source(&source)?, tags, dated_at };
        return Ok(Json(DocumentRename::new(ingest).rename(workspace, id, name).await?.into()));
    }
    let tags = match (tags, dated_at) {
        (Some(tags), _) => tags,
        (None, Some(_)) => app.db.document(workspace, id).await?.tags,
        (None, None) => return Err(nothing_to_change()),
    };
    TagUpdate::new(ingest).update_tags(workspace, id, tags, dated_at).await?;
    Ok(Json(app.db.document(workspace, id).await?.into()))
}

fn nothing_to_change() -> ApiError {
    let text = LocalizedText::key("error-invalid-value-document-change");
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", text)
}

/// Delete a document
///
/// Its versions, its original, and what answers quote of it are deleted with it. A citation keeps its number and title.
#[utoipa::path(
    delete, path = "/documents/{document}", tag = "documents", operation_id = "delete_document",
    params(("document" = Uuid, Path, description = "The document.")),
    responses(
        (status = 204, description = "The document is deleted."),
        (status = 404, description = "There is no such document.", body = ErrorEnvelope),
        (status = 507, description = "The disk is full.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
) -> Result<StatusCode, ApiError> {
    DocumentRemoval::new(&app.knowledge().await?.ingest).remove(workspace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
