//! Extractors: what a handler may ask of a request. Each refuses with an [`ApiError`] of its own.

use axum::extract::{FromRequest, FromRequestParts};
use axum::http::request::Parts;
use domain::WorkspaceId;

use crate::error::ApiError;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub struct Json<T>(pub T);

/// Path parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub struct Path<T>(pub T);

/// Query parameters.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub struct Query<T>(pub T);

/// The tenant that a request acts for. While there are no keys there is one, and only loopback reaches it.
#[derive(Debug, Clone, Copy)]
pub struct Tenant(pub WorkspaceId);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(WorkspaceId::DEFAULT))
    }
}
