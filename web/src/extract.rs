//! Extracts from requests what handlers need; what is not there is refused with an [`ApiError`].

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::WorkspaceId;
use locales::Locale;

use crate::api_error::ApiError;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub(crate) struct Json<T>(pub(crate) T);

/// Path parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

/// Query parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

/// The tenant that a request acts for. Without API keys there is one, and only loopback reaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenant(pub(crate) WorkspaceId);

/// The language to answer in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language(pub(crate) Locale);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(WorkspaceId::DEFAULT))
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(locale_of(&parts.headers)))
    }
}

/// The language that `Accept-Language` asks for; English without it.
pub(crate) fn locale_of(headers: &HeaderMap) -> Locale {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked.map(Locale::from_accept_language).unwrap_or_default()
}
