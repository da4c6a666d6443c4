//! Maps what axum refuses in a request to status, code and message.

use std::error::Error;

use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use tower_http::timeout::TimeoutError;

use crate::api_error::ApiError;
use crate::localized_text::LocalizedText;

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        let code = match &rejection {
            JsonRejection::JsonSyntaxError(_) => "invalid_json",
            JsonRejection::JsonDataError(_) => "invalid_value",
            JsonRejection::MissingJsonContentType(_) => {
                return Self::of_code(status, "unsupported_media_type");
            }
            _ if status == StatusCode::PAYLOAD_TOO_LARGE => return too_large(),
            _ if stood_still(&rejection) => return too_slow(),
            _ => "invalid_body",
        };
        Self::rejected(status, code, rejection.body_text())
    }
}

impl ApiError {
    /// axum's text says where in the request.
    fn rejected(status: StatusCode, code: &'static str, text: String) -> Self {
        Self::new(status, code, LocalizedText::detailed(code, text))
    }
}

fn too_large() -> ApiError {
    let text = LocalizedText::key("error-too-large-body");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
}

/// The body took too long to arrive.
pub(crate) fn too_slow() -> ApiError {
    ApiError::of_code(StatusCode::REQUEST_TIMEOUT, "request_timeout")
}

/// Whether a body is what failed, because no more of it came.
pub(crate) fn stood_still(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::rejected(rejection.status(), "invalid_path", rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::rejected(rejection.status(), "invalid_query", rejection.body_text())
    }
}

impl From<MultipartRejection> for ApiError {
    fn from(rejection: MultipartRejection) -> Self {
        Self::rejected(rejection.status(), "invalid_multipart", rejection.body_text())
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return too_large();
        }
        if stood_still(&error) {
            return too_slow();
        }
        // A body that breaks off is no fault of the server.
        let is_ours = error.status().is_server_error();
        let status = if is_ours { StatusCode::BAD_REQUEST } else { error.status() };
        Self::rejected(status, "invalid_multipart", error.body_text())
    }
}
