//! `/api/v1/documents/{id}/versions`, and what lies behind them: what a document said before, and the bytes that it came from.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use db::NewJob;
use domain::{Document, DocumentId, Version};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query, Tenant};

const MOST_VERSIONS: u32 = 200;

/// Originals come from anyone. What a browser shows of them itself can do nothing and load nothing.
const NOTHING_ALLOWED: &str = "default-src 'none'; sandbox";

/// The same for PDF, which browsers do not show in a sandbox of the page's; their viewer has one of its own.
const VIEWER_ALLOWED: &str = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'";

/// Which part of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    before: Option<u32>,
    limit: Option<u32>,
}

/// Which version's original.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    version: Option<u32>,
}

/// A document's versions, newest first, and where the next part begins.
pub async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let document = app.knowledge.db.document(workspace, id).await?;
    let limit = page.limit.unwrap_or(MOST_VERSIONS).clamp(1, MOST_VERSIONS);
    let versions = app.knowledge.db.history(workspace, document.id, page.before, limit).await?;
    let next = super::next(&versions, limit, |version| version.number);
    Ok(Json(json!({ "versions": versions, "next": next })))
}

/// One version with its text.
pub async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path((id, number)): Path<(DocumentId, u32)>,
) -> Result<Json<Version>, ApiError> {
    let document = app.knowledge.db.document(workspace, id).await?;
    Ok(Json(app.knowledge.db.numbered_version(workspace, document.id, number).await?))
}

/// Makes the document say again what it said then; it answers by that when this returns.
pub async fn restore(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path((id, number)): Path<(DocumentId, u32)>,
) -> Result<Json<Document>, ApiError> {
    app.knowledge.pipeline.roll_back(workspace, id, number).await?;
    Ok(Json(app.knowledge.db.document(workspace, id).await?))
}

/// Queues the reading of the document's original once more: with a better parser, or other sizes of chunks.
pub async fn read_again(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let knowledge = &app.knowledge;
    let Document { collection, source, content_hash, dated_at, .. } =
        knowledge.db.document(workspace, id).await?;
    // Told now, and not by a job that fails.
    knowledge.originals.kept_at(&content_hash).await?;
    let (tags, dated_at) = (None, Some(dated_at));
    let new = NewJob { workspace, collection, source, content_hash, tags, dated_at, forced: true };
    let job = knowledge.db.enqueue_job(new).await?;
    app.jobs_changed.send_replace(());
    Ok((StatusCode::ACCEPTED, Json(json!({ "job": job }))))
}

/// The bytes that the document came from. A browser shows PDF and text itself and saves all else.
pub async fn original(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<DocumentId>,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let knowledge = &app.knowledge;
    let document = knowledge.db.document(workspace, id).await?;
    let hash = match which.version {
        None => document.content_hash,
        Some(number) => knowledge.db.numbered_version(workspace, id, number).await?.content_hash,
    };
    let bytes = knowledge.originals.read(&hash).await?;
    Ok(as_file(&document.source, bytes))
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
