//! `/` and `/assets`: the chat page, from the binary itself.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;
use crate::localized_text::LocalizedText;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// The chat page
#[utoipa::path(
    get, path = "/", tag = "page", operation_id = "show_page", security(()),
    params(("if-none-match" = Option<String>, Header, description = "The `etag` of the page that the caller has.")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 304, description = "The page has not changed."),
    ),
)]
pub(crate) async fn chat(headers: HeaderMap) -> Response {
    serve("index.html", &headers)
}

/// A script, style or picture of the chat page
#[utoipa::path(
    get, path = "/assets/{*path}", tag = "page", operation_id = "show_asset", security(()),
    params(
        ("path" = String, Path, description = "The file's path."),
        ("if-none-match" = Option<String>, Header, description = "The `etag` of the file that the caller has."),
    ),
    responses(
        (
            status = 200, description = "The file.",
            content((String = "text/html"), (String = "text/css"), (String = "text/javascript"), (String = "image/svg+xml")),
        ),
        (status = 304, description = "The file has not changed."),
        (status = 404, description = "There is no such file.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&path, &headers)
}

fn serve(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Assets::get(path) else {
        let text = LocalizedText::key("error-not-found-file");
        return ApiError::new(StatusCode::NOT_FOUND, "not_found", text).into_response();
    };
    let tag = entity_tag(&file);
    // A new binary has new files under the old names, so a browser asks each time, and is told "not modified".
    let caching = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, tag.clone())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let media_type = [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())];
    (caching, media_type, file.data).into_response()
}

fn entity_tag(file: &EmbeddedFile) -> String {
    let hash = domain::to_hex(&file.metadata.sha256_hash());
    format!("\"{}\"", &hash[..32])
}
