//! How errors look: the envelope of a response, the last event of a stream, a value that does not hold.

use locales::Locale;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::localized_text::LocalizedText;

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorEnvelope {
    /// The error.
    pub error: ErrorBody,
}

/// An error as a caller sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// For programs; the same between releases.
    #[schema(example = "not_found")]
    pub code: String,
    /// For people, in the language that `Accept-Language` asks for.
    pub message: String,
    /// The field of the request that the error is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// The id of the request, as in the header `x-request-id` and in the server's log.
    pub request_id: String,
}

/// An error that ends a stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorEvent {
    /// For programs; the same between releases.
    pub code: String,
    /// For people, in the language that `Accept-Language` asks for.
    pub message: String,
}

/// A field of a request holds a value that it may not have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field}: {}", text.localized(Locale::En))]
pub struct InvalidValue {
    /// The field, with the object that it is in: `filter.tags`.
    pub field: &'static str,
    /// What it may hold.
    pub text: LocalizedText,
}

impl InvalidValue {
    /// The value of `field` is invalid; the text says what it may be.
    pub fn new(field: &'static str, text: LocalizedText) -> Self {
        Self { field, text }
    }

    /// What the field may hold, in this language.
    pub fn message(&self, locale: Locale) -> String {
        self.text.localized(locale)
    }
}
