//! Request ids, the error envelope, and the one log line of every failed request.
//!
//! Whatever an error is born as (a room's typed error, a body over its limit, a path that no route has), it leaves as
//! `{"error": {"code", "message", "field"?, "request_id"}}`.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::{error, info};
use uuid::Uuid;

use crate::error::ApiError;

/// Response header that carries the request's id.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// The body of every error.
#[derive(Debug, Serialize)]
pub struct Envelope {
    error: EnvelopeError,
}

#[derive(Debug, Serialize)]
struct EnvelopeError {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    request_id: String,
}

/// Middleware: gives the request an id and the response's error its envelope.
pub async fn wrap(request: Request, next: Next) -> Response {
    // An id from outside would let a caller write into the log; the server's own says all that is needed.
    let request_id = Uuid::now_v7().to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let failure = response.extensions_mut().remove::<ApiError>().unwrap_or_else(|| of_status(status));
        let detail = failure.detail.as_deref().unwrap_or(&failure.message);
        if status.is_server_error() {
            error!(%method, path, %request_id, status = status.as_u16(), code = failure.code, detail, "request failed");
        } else {
            info!(%method, path, %request_id, status = status.as_u16(), code = failure.code, detail, "request refused");
        }
        response = envelope(failure, request_id.clone());
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

fn envelope(failure: ApiError, request_id: String) -> Response {
    let ApiError { status, code, message, field, .. } = failure;
    (status, Json(Envelope { error: EnvelopeError { code, message, field, request_id } })).into_response()
}

/// The error of a status that the router or a layer gave without one of ours.
fn of_status(status: StatusCode) -> ApiError {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => ("not_found", "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this path does not know that method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the request's body is too large"),
        StatusCode::REQUEST_TIMEOUT => ("request_timeout", "the request took too long to arrive"),
        _ if status.is_client_error() => ("invalid_request", "the request is not understood"),
        _ => ("internal", "something went wrong on the server; its log says what"),
    };
    ApiError::new(status, code, message)
}
