//! `/api/v1/collections/{id}/documents` and `/api/v1/documents/{id}`: what there is to answer from.

use axum::Json;
use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use db::NewJob;
use domain::{CollectionId, Document, DocumentId};
use futures::stream;
use ingest::{KeepError, page_url};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{self, Path, Query, Tenant};
use crate::filter;

/// As many as a path may have.
const MOST_SOURCE_BYTES: usize = 4_096;
const MOST_DOCUMENTS: u32 = 200;

/// Which part of a list.
#[derive(Debug, Deserialize)]
pub struct Part {
    after: Option<DocumentId>,
    limit: Option<u32>,
}

/// A document given by its text, with a name, or by the address of a page, which is its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedDocument {
    source: Option<String>,
    text: Option<String>,
    url: Option<String>,
    tags: Option<Vec<String>>,
    dated_at: Option<String>,
}

/// What a caller may change of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentChange {
    tags: Vec<String>,
}

/// A document whose bytes are kept.
struct Upload {
    source: String,
    content_hash: String,
    labels: Labels,
}

/// What comes with a document besides its bytes.
#[derive(Default)]
struct Labels {
    tags: Option<Vec<String>>,
    dated_at: Option<Timestamp>,
}

/// A part of a collection's documents, by id, and where the next part begins.
pub async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    app.knowledge.db.collection(workspace, collection).await?;
    let limit = part.limit.unwrap_or(MOST_DOCUMENTS).clamp(1, MOST_DOCUMENTS);
    let documents = app.knowledge.db.documents(workspace, collection, part.after, limit).await?;
    let next = super::next(&documents, limit, |document| document.id);
    Ok(Json(json!({ "documents": documents, "next": next })))
}

/// One document.
pub async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
) -> Result<Json<Document>, ApiError> {
    Ok(Json(app.knowledge.db.document(workspace, id).await?))
}

/// Sorts a document by other tags; it answers by them when this returns.
pub async fn change(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
    extract::Json(change): extract::Json<DocumentChange>,
) -> Result<Json<Document>, ApiError> {
    let tags = filter::tags("tags", &change.tags)?;
    app.knowledge.pipeline.retag(workspace, id, tags, None).await?;
    Ok(Json(app.knowledge.db.document(workspace, id).await?))
}

/// Removes a document: from SQL, whose word counts at once, then from the vectors.
pub async fn remove(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
) -> Result<StatusCode, ApiError> {
    app.knowledge.pipeline.remove(workspace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a file (`multipart/form-data`, field `file`, and before it `source` to name it, `tags` as often as there are
/// any, `dated_at`), a text or the address of a page (JSON), keeps its bytes, and answers 202 with the job that will ingest it.
pub async fn upload(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    app.knowledge.db.collection(workspace, collection).await?;
    let Upload { source, content_hash, labels: Labels { tags, dated_at } } = if is_multipart(&request) {
        keep_file(&app, request).await?
    } else {
        keep_named(&app, request).await?
    };
    let new = NewJob { workspace, collection, source, content_hash, tags, dated_at, forced: false };
    let job = app.knowledge.db.enqueue_job(new).await?;
    app.jobs_changed.send_replace(());
    Ok((StatusCode::ACCEPTED, Json(json!({ "job": job }))))
}

fn is_multipart(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("multipart/form-data"))
}

async fn keep_named(app: &App, request: Request) -> Result<Upload, ApiError> {
    let extract::Json(document) = extract::Json::<NamedDocument>::from_request(request, &()).await?;
    let NamedDocument { source, text, url, tags, dated_at } = document;
    let mut labels = Labels {
        tags: tags.map(|tags| filter::tags("tags", &tags)).transpose()?,
        dated_at: dated_at.map(|text| filter::time("dated_at", &text)).transpose()?,
    };
    match (source, text, url) {
        (Some(source), Some(text), None) => keep(app, checked_source(&source)?, text, labels).await,
        (None, None, Some(url)) => {
            let url = page_url(&url)?;
            let source = checked_source(url.as_str())?;
            let page = app.knowledge.fetcher.fetch(&url).await?;
            labels.dated_at = labels.dated_at.or(page.modified_at);
            keep(app, source, page.bytes, labels).await
        }
        _ => Err(ApiError::invalid("source", "a document has `source` and `text`, or `url`")),
    }
}

async fn keep<B: AsRef<[u8]>>(
    app: &App,
    source: String,
    bytes: B,
    labels: Labels,
) -> Result<Upload, ApiError> {
    let pieces = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let content_hash = app.knowledge.originals.keep(pieces, app.config.ingest.document_bytes).await?;
    Ok(Upload { source, content_hash, labels })
}

async fn keep_file(app: &App, request: Request) -> Result<Upload, ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| ApiError::new(rejection.status(), "invalid_multipart", rejection.body_text()))?;
    let (mut source, mut labels) = (None, Labels::default());
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("source") => source = Some(checked_source(&field.text().await?)?),
            Some("tags") => {
                let mut tags = labels.tags.unwrap_or_default();
                tags.push(field.text().await?);
                labels.tags = Some(filter::tags("tags", &tags)?);
            }
            Some("dated_at") => labels.dated_at = Some(filter::time("dated_at", &field.text().await?)?),
            Some("file") => {
                let source = match source {
                    Some(source) => source,
                    None => checked_source(field.file_name().unwrap_or_default())?,
                };
                let content_hash =
                    app.knowledge.originals.keep::<Bytes, _>(field, app.config.ingest.document_bytes).await?;
                return Ok(Upload { source, content_hash, labels });
            }
            _ => {}
        }
    }
    Err(ApiError::invalid("file", "the form has no field `file`"))
}

/// A source is a name, never a path on this machine; it is only shown and hashed, and must be fit for that.
fn checked_source(source: &str) -> Result<String, ApiError> {
    let source = source.trim();
    if source.is_empty() || source.len() > MOST_SOURCE_BYTES || source.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            "source",
            format!("must have 1 to {MOST_SOURCE_BYTES} bytes, none of them control characters"),
        ));
    }
    Ok(source.to_owned())
}

impl<E: std::fmt::Display> From<KeepError<E>> for ApiError {
    fn from(error: KeepError<E>) -> Self {
        match error {
            KeepError::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string())
            }
            KeepError::Source(cause) => {
                Self::new(StatusCode::BAD_REQUEST, "upload_broken", cause.to_string())
            }
            KeepError::Place(error) => error.into(),
        }
    }
}
