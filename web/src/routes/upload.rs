//! `POST /api/v1/collections/{collection}/documents`: stores the bytes of a document and queues its ingestion.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use db::NewJob;
use domain::{CollectionId, MAX_SOURCE_BYTES, normalize_source};
use fetch::page_url;
use futures::stream;
use ingest::KeptOriginal;
use jiff::Timestamp;
use service::App;

use crate::api::documents::{DocumentForm, NewDocument};
use crate::api::errors::ErrorEnvelope;
use crate::api::filter;
use crate::api::jobs::JobReply;
use crate::api_error::ApiError;
use crate::extract::{self, Language, Path, Tenant};
use crate::form::{Form, FormField};
use crate::localized_text::LocalizedText;

/// A document whose bytes are stored.
struct Upload {
    source: String,
    original: KeptOriginal,
    options: Options,
}

/// What comes with a document besides its bytes.
#[derive(Default)]
struct Options {
    tags: Option<Vec<String>>,
    dated_at: Option<Timestamp>,
    force: bool,
}

impl Options {
    /// Takes what a field of a form says; a field of another name says nothing.
    async fn take(&mut self, field: FormField<'_>) -> Result<(), ApiError> {
        let name = field.name().to_owned();
        let content = field.text().await?;
        match name.as_str() {
            "tags" => {
                let mut tags = self.tags.take().unwrap_or_default();
                tags.push(content);
                self.tags = Some(filter::tags("tags", &tags)?);
            }
            "dated_at" => self.dated_at = Some(filter::time("dated_at", &content)?),
            "force" => {
                let text = LocalizedText::key("error-invalid-value-flag");
                self.force = content.parse().map_err(|_| ApiError::invalid("force", text))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Upload a document
///
/// A file as a form, or a text or the address of a page as JSON. Its bytes are stored when the response comes; the job
/// ingests them.
#[utoipa::path(
    post, path = "/collections/{collection}/documents", tag = "documents", operation_id = "upload_document",
    params(("collection" = Uuid, Path, description = "The collection.")),
    request_body(content((DocumentForm = "multipart/form-data"), (NewDocument = "application/json"))),
    responses(
        (status = 202, description = "The job that ingests the document.", body = JobReply),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
        (status = 502, description = "The page cannot be fetched.", body = ErrorEnvelope),
        (status = 504, description = "The page took too long to arrive.", body = ErrorEnvelope),
        (status = 507, description = "The disk is full.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn upload(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(collection): Path<CollectionId>,
    request: Request,
) -> Result<(StatusCode, Json<JobReply>), ApiError> {
    app.db.collection(workspace, collection).await?;
    let upload = if is_multipart(&request) {
        store_file(&app, request).await?
    } else {
        store_named(&app, request).await?
    };
    let Upload { source, original, options: Options { tags, dated_at, force } } = upload;
    let content_hash = original.hash().to_owned();
    let new = NewJob { workspace, collection, source, content_hash, tags, dated_at, forced: force };
    let job = app.db.enqueue_job(new).await?;
    app.jobs_changed.send_replace(());
    Ok((StatusCode::ACCEPTED, Json(JobReply::new(job, locale))))
}

fn is_multipart(request: &Request) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| media_type.starts_with("multipart/form-data"))
}

async fn store_named(app: &App, request: Request) -> Result<Upload, ApiError> {
    let extract::Json(document) = extract::Json::<NewDocument>::from_request(request, &()).await?;
    let NewDocument { source, text, url, tags, dated_at, force } = document;
    let mut options = Options {
        tags: tags.map(|tags| filter::tags("tags", &tags)).transpose()?,
        dated_at: dated_at.map(|text| filter::time("dated_at", &text)).transpose()?,
        force,
    };
    match (source, text, url) {
        (Some(source), Some(text), None) => store(app, checked_source(&source)?, text, options).await,
        (None, None, Some(url)) => {
            let url = page_url(&url)?;
            let source = checked_source(url.as_str())?;
            let page = app.fetcher.fetch(&url).await?;
            options.dated_at = options.dated_at.or(page.modified_at);
            store(app, source, page.bytes, options).await
        }
        _ => {
            let text = LocalizedText::key("error-invalid-value-document-body");
            Err(ApiError::invalid("source", text))
        }
    }
}

async fn store<B: AsRef<[u8]>>(
    app: &App,
    source: String,
    bytes: B,
    options: Options,
) -> Result<Upload, ApiError> {
    let blocks = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let original = app.originals.keep(blocks, app.config.ingest.document_bytes).await?;
    Ok(Upload { source, original, options })
}

/// Reads the form to its end: what stands behind the file counts like what stands before it.
async fn store_file(app: &App, request: Request) -> Result<Upload, ApiError> {
    let limit_bytes = app.config.ingest.document_bytes;
    let max_bytes = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
    let mut form = Form::begin(request, max_bytes).await?;
    let (mut source, mut file, mut options) = (None, None, Options::default());
    while let Some(field) = form.next_field().await? {
        match field.name() {
            "source" => source = Some(field.text().await?),
            "file" if file.is_some() => {
                return Err(ApiError::invalid("file", LocalizedText::key("error-invalid-value-one-file")));
            }
            "file" => {
                let name = field.file_name().to_owned();
                let original = app.originals.keep::<Bytes, _>(field, limit_bytes).await?;
                file = Some((name, original));
            }
            _ => options.take(field).await?,
        }
    }
    let Some((name, original)) = file else {
        return Err(ApiError::invalid("file", LocalizedText::key("error-invalid-value-no-file")));
    };
    let source = checked_source(&source.unwrap_or(name))?;
    Ok(Upload { source, original, options })
}

/// A source is a name, never a path on this machine; it is only shown and hashed, and must be fit for that. In its one
/// form, so that jobs of one document are known as such: they must run in the order in which they were queued.
pub(crate) fn checked_source(source: &str) -> Result<String, ApiError> {
    normalize_source(source).map_err(|_| {
        let text =
            LocalizedText::with("error-invalid-value-printable-bytes", [("max", MAX_SOURCE_BYTES.into())]);
        ApiError::invalid("source", text)
    })
}
