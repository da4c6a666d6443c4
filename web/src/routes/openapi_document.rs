//! `/openapi.json`: the document that describes the service.

use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::openapi::OpenApi;

/// The document as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct OpenApiDocument(Bytes);

impl OpenApiDocument {
    /// The document as JSON.
    pub(crate) fn new(document: &OpenApi) -> Self {
        // Names, texts and schemas of our own: there is nothing in it that JSON cannot hold.
        Self(document.to_json().unwrap_or_default().into())
    }
}

/// Show the OpenAPI document
#[utoipa::path(
    get, path = "/openapi.json", tag = "server", operation_id = "show_openapi", security(()),
    responses((status = 200, description = "The OpenAPI document.", body = Object)),
)]
pub(crate) async fn show(Extension(document): Extension<OpenApiDocument>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.0).into_response()
}
