//! Every path of the service on one screen. A handler lives in the file named after the path's first noun.

pub mod backup;
pub mod collections;
pub mod conversations;
pub mod doctor;
pub mod documents;
pub mod evaluation;
pub mod feedback;
pub mod health;
pub mod jobs;
pub mod pages;
pub mod reindex;
pub mod search;
pub mod status;
pub mod versions;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, patch, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::{envelope, guard};

/// Largest JSON body: a question of 100,000 characters still gets its own error.
const JSON_BYTES: usize = 1 << 20;

/// Where the part of a list after this one begins, if this one is as long as was asked for.
fn next<T, C>(part: &[T], limit: u32, place: impl FnOnce(&T) -> C) -> Option<C> {
    part.last().filter(|_| part.len() == limit as usize).map(place)
}

/// The whole service.
pub fn router(app: App) -> Router {
    let upload_bytes = usize::try_from(app.config.ingest.document_bytes).unwrap_or(usize::MAX);
    let api = Router::new()
        .route("/status", get(status::show))
        .route("/search", post(search::search))
        .route("/conversations", get(conversations::list).post(conversations::create))
        .route("/conversations/{id}", get(conversations::show).delete(conversations::remove))
        .route("/conversations/{id}/turns", post(conversations::ask))
        .route("/feedback", post(feedback::give))
        .route("/collections", get(collections::list).post(collections::create))
        .route("/collections/{id}", patch(collections::change).delete(collections::remove))
        .route(
            "/collections/{id}/evaluation/questions",
            get(evaluation::list_questions)
                .post(evaluation::add_question)
                .delete(evaluation::clear_questions),
        )
        .route("/collections/{id}/evaluation/questions/{question}", delete(evaluation::remove_question))
        .route("/collections/{id}/evaluation/runs", get(evaluation::list_runs).post(evaluation::run))
        .route(
            "/collections/{id}/documents",
            get(documents::list)
                .post(documents::upload)
                .layer(DefaultBodyLimit::max(upload_bytes + JSON_BYTES)),
        )
        .route("/documents/{id}", get(documents::show).patch(documents::change).delete(documents::remove))
        .route("/documents/{id}/original", get(versions::original))
        .route("/documents/{id}/read", post(versions::read_again))
        .route("/documents/{id}/versions", get(versions::list))
        .route("/documents/{id}/versions/{number}", get(versions::show))
        .route("/documents/{id}/versions/{number}/restore", post(versions::restore))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/jobs/{id}/retry", post(jobs::retry))
        .route("/jobs/{id}/events", get(jobs::follow))
        .route("/reindex", get(reindex::show).post(reindex::begin))
        .route("/backup", post(backup::download))
        .route("/doctor", post(doctor::look))
        .layer(DefaultBodyLimit::max(JSON_BYTES));
    Router::new()
        .route("/", get(pages::chat))
        .route("/assets/{*path}", get(pages::asset))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .nest("/api/v1", api)
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(guard::check))
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(app)
}
