//! Gives each request an id, each error its envelope, each failed request its line in the log, and each response the headers
//! that browsers obey.
//!
//! Whatever an error comes from (a crate's typed error, a body over its limit, a path without a route), the response is
//! `{"error": {"code", "message", "field"?, "request_id"}}`.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use locales::Locale;
use tracing::{error, info};
use uuid::Uuid;

use crate::api::errors::{ErrorBody, ErrorEnvelope};
use crate::api_error::ApiError;
use crate::extract;
use crate::localized_text::LocalizedText;
use crate::security_headers;

/// Response header that carries the request's id.
pub(crate) const REQUEST_ID_HEADER: &str = "x-request-id";

/// What a caller is told to wait who meets a full queue: an answer takes some seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Middleware: gives the request an id and the response's error its envelope.
pub(crate) async fn wrap(request: Request, next: Next) -> Response {
    // A caller's own id would let it write into the log.
    let request_id = Uuid::now_v7().to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let locale = extract::locale_of(request.headers());
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let failure = response.extensions_mut().remove::<ApiError>().unwrap_or_else(|| of_status(status));
        let detail = failure.detail.clone().unwrap_or_else(|| failure.message(Locale::En));
        if status.is_server_error() {
            error!(%method, path, %request_id, status = status.as_u16(), code = failure.code, detail, "request failed");
        } else {
            info!(%method, path, %request_id, status = status.as_u16(), code = failure.code, detail, "request refused");
        }
        let enveloped = envelope(&failure, locale, request_id.clone());
        let mut headers = std::mem::take(response.headers_mut());
        response = enveloped;
        // `Allow`, `Retry-After` and the like; the body is another one.
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_TYPE);
        response.headers_mut().extend(headers);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    security_headers::set(&mut response);
    response
}

fn envelope(failure: &ApiError, locale: Locale, request_id: String) -> Response {
    let error = ErrorBody {
        code: failure.code.to_owned(),
        message: failure.message(locale),
        field: failure.field.map(str::to_owned),
        request_id,
    };
    let mut response = (failure.status, Json(ErrorEnvelope { error })).into_response();
    if failure.status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

/// The error of a status that the router or a layer gave.
fn of_status(status: StatusCode) -> ApiError {
    let (code, key) = match status {
        StatusCode::NOT_FOUND => ("not_found", "error-not-found-path"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "error-method-not-allowed"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "error-too-large-body"),
        StatusCode::REQUEST_TIMEOUT => ("request_timeout", "error-request-timeout"),
        _ if status.is_client_error() => ("invalid_request", "error-invalid-request"),
        _ => ("internal", "error-internal"),
    };
    ApiError::new(status, code, LocalizedText::key(key))
}
