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
        // It says where in the body, which the catalogue cannot.
        Self::new(status, code, LocalizedText::plain(rejection.body_text()))
    }
}

fn too_large() -> ApiError {
    let text = LocalizedText::key("error-too-large-body");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "invalid_path", LocalizedText::plain(rejection.body_text()))
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "invalid_query", LocalizedText::plain(rejection.body_text()))
    }
}

impl From<MultipartRejection> for ApiError {
    fn from(rejection: MultipartRejection) -> Self {
        let text = LocalizedText::plain(rejection.body_text());
        Self::new(rejection.status(), "invalid_multipart", text)
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return too_large();
        }
        Self::new(error.status(), "invalid_multipart", LocalizedText::plain(error.body_text()))
    }
}
