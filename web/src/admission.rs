//! Admits a request or refuses it: by where it comes from, then by whom.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::App;
use service::owner::Owner;

use crate::auth;
use crate::guard::{self, PublicNames};

/// What requests are admitted by.
#[derive(Clone)]
pub(crate) struct Admission {
    names: PublicNames,
    owner: Arc<Owner>,
}

impl Admission {
    /// As the settings and the data directory of the service have it.
    pub(crate) fn of(app: &App) -> Self {
        Self { names: PublicNames::new(&app.config.server.public_names), owner: app.owner.clone() }
    }
}

/// Middleware: refuses requests of other sites, of proxies, and of others than the owner.
pub(crate) async fn check(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    if let Some(refusal) = guard::refusal(headers, &admission.names) {
        return refusal.into_response();
    }
    if !auth::is_open(path) && !auth::is_owner(headers, &admission.owner) {
        return auth::refusal();
    }
    next.run(request).await
}
