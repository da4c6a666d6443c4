//! An error on its way to the caller: status, code, and a text in the caller's language.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use locales::Locale;

use crate::api::errors::ErrorEvent;
use crate::localized_text::LocalizedText;

/// An error as an API caller sees it. [`crate::envelope`] writes the body, because it knows the request.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// For programs; the same between releases.
    pub(crate) code: &'static str,
    /// For people. Says nothing of the server's inside.
    pub(crate) text: LocalizedText,
    /// The field of the request that it is about.
    pub(crate) field: Option<&'static str>,
    /// For the log alone.
    pub(crate) detail: Option<String>,
}

impl ApiError {
    /// An error with this text.
    pub(crate) fn new(status: StatusCode, code: &'static str, text: LocalizedText) -> Self {
        Self { status, code, text, field: None, detail: None }
    }

    /// An error whose code says everything.
    pub(crate) fn of_code(status: StatusCode, code: &'static str) -> Self {
        Self::new(status, code, LocalizedText::of_code(code))
    }

    /// The value of the request's `field` is invalid.
    pub(crate) fn invalid(field: &'static str, text: LocalizedText) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", text).of_field(field)
    }

    /// A fault of the server: the caller learns the code, the log has the rest.
    pub(crate) fn internal(code: &'static str, detail: String) -> Self {
        Self::logged(StatusCode::INTERNAL_SERVER_ERROR, code, detail)
    }

    /// Something that the server needs does not answer.
    pub(crate) fn unavailable(code: &'static str, detail: String) -> Self {
        Self::logged(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// The server has no room for more.
    pub(crate) fn disk_full(detail: String) -> Self {
        Self::logged(StatusCode::INSUFFICIENT_STORAGE, "disk_full", detail)
    }

    /// The same error, about this field of the request.
    #[must_use]
    pub(crate) fn of_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The text in this language.
    pub(crate) fn message(&self, locale: Locale) -> String {
        self.text.localized(locale)
    }

    /// The event that ends a stream early.
    pub(crate) fn event(&self, locale: Locale) -> ErrorEvent {
        ErrorEvent { code: self.code.to_owned(), message: self.message(locale) }
    }

    fn logged(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self { detail: Some(detail), ..Self::of_code(status, code) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
