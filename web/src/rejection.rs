//! Maps what axum refuses in a request to status, code and message.

use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;

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
        Self::rejected(error.status(), "invalid_multipart", error.body_text())
    }
}
