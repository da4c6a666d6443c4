//! `/api/v1/documents/{document}/original`: the bytes that a document was made of, to see and to ingest again.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use db::NewJob;
use domain::{Document, DocumentId};
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api::jobs::JobReply;
use crate::api::versions::OriginalQuery;
use crate::api_error::ApiError;
use crate::extract::{Language, Path, Query, Tenant};

/// Originals come from anyone. What a browser shows of them can run nothing and load nothing.
const NOTHING_ALLOWED: &str = "default-src 'none'; sandbox";

/// The policy for PDF, which browsers do not show in a sandbox of the page's; their viewer has one of its own.
const VIEWER_ALLOWED: &str = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'";

/// Download a document's original
///
/// A browser shows PDF and text and saves everything else.
#[utoipa::path(
    get, path = "/documents/{document}/original", tag = "documents", operation_id = "download_original",
    params(("document" = Uuid, Path, description = "The document."), OriginalQuery),
    responses(
        (
            status = 200, description = "The bytes.",
            content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/pdf"), (String = "text/plain")),
        ),
        (status = 404, description = "There is no such document or version, or its original is not stored.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
    Query(query): Query<OriginalQuery>,
) -> Result<Response, ApiError> {
    let document = app.db.document(workspace, id).await?;
    let hash = match query.version {
        None => document.content_hash,
        Some(number) => app.db.version_by_number(workspace, id, number).await?.content_hash,
    };
    let bytes = app.originals.read(&hash).await?;
    Ok(as_file(&document.source, bytes))
}

/// Ingest a document's original again
///
/// For a newer parser, or other sizes of chunks.
#[utoipa::path(
    post, path = "/documents/{document}/read", tag = "documents", operation_id = "ingest_again",
    params(("document" = Uuid, Path, description = "The document.")),
    responses(
        (status = 202, description = "The job that ingests the document.", body = JobReply),
        (status = 404, description = "There is no such document, or its original is not stored.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn ingest_again(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(id): Path<DocumentId>,
) -> Result<(StatusCode, Json<JobReply>), ApiError> {
    let Document { collection, source, content_hash, dated_at, .. } = app.db.document(workspace, id).await?;
    // A missing original is said now, and not by a job that fails.
    app.originals.kept_at(&content_hash).await?;
    let (tags, dated_at) = (None, Some(dated_at));
    let new = NewJob { workspace, collection, source, content_hash, tags, dated_at, forced: true };
    let job = app.db.enqueue_job(new).await?;
    app.jobs_changed.send_replace(());
    Ok((StatusCode::ACCEPTED, Json(JobReply::new(job, locale))))
}

fn as_file(source: &str, bytes: Bytes) -> Response {
    let (media_type, policy, how) = if bytes.starts_with(b"%PDF-") {
        ("application/pdf", VIEWER_ALLOWED, "inline")
    } else if !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok() {
        ("text/plain; charset=utf-8", NOTHING_ALLOWED, "inline")
    } else {
        ("application/octet-stream", NOTHING_ALLOWED, "attachment")
    };
    let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
    let disposition = format!("{how}; filename*=UTF-8''{}", percent_encoded(name));
    let mut response = bytes.into_response();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, media_type);
    set(header::CONTENT_DISPOSITION, &disposition);
    set(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// A name as RFC 8187 has it in a header.
fn percent_encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(response: &Response, name: HeaderName) -> &str {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[test]
    fn a_browser_runs_nothing_of_an_original() {
        let page = as_file("a/안내.html", Bytes::from_static(b"<script>alert(1)</script>"));
        assert_eq!(header_of(&page, header::CONTENT_TYPE), "text/plain; charset=utf-8");
        assert_eq!(header_of(&page, header::CONTENT_SECURITY_POLICY), NOTHING_ALLOWED);
        assert_eq!(
            header_of(&page, header::CONTENT_DISPOSITION),
            "inline; filename*=UTF-8''%EC%95%88%EB%82%B4.html"
        );
        let program = as_file("x\"; y", Bytes::from_static(b"MZ\0"));
        assert_eq!(header_of(&program, header::CONTENT_TYPE), "application/octet-stream");
        assert_eq!(
            header_of(&program, header::CONTENT_DISPOSITION),
            "attachment; filename*=UTF-8''x%22%3B%20y"
        );
        let document = as_file("a.pdf", Bytes::from_static(b"%PDF-1.4"));
        assert_eq!(header_of(&document, header::CONTENT_TYPE), "application/pdf");
    }
}
