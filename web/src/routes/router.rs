//! Every path of the service on one screen.

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::{Extension, Router, middleware};
use service::App;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::admission::Admission;
use crate::api_error::ApiError;
use crate::openapi::{complete, outline};
use crate::routes::openapi_document::OpenApiDocument;
use crate::routes::{
    assets, backup, collections, conversations, doctor, documents, erasures, evaluation, feedback, health,
    jobs, login, messages, openapi_document, original, reindex, search, sites, status, upload, versions,
};
use crate::{admission, envelope};

/// Maximum size of a JSON body: a question of 20,000 characters fits, each of them escaped twice.
const MAX_JSON_BYTES: usize = 256 * 1024;

/// Maximum size of a set of evaluation questions, which is imported whole or not at all.
const MAX_IMPORT_BYTES: usize = 4 * MAX_JSON_BYTES;

/// The paths, and what the document says of them.
fn paths() -> OpenApiRouter<App> {
    let api = OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(messages::show))
        .routes(routes!(search::search))
        .routes(routes!(conversations::list, conversations::create))
        .routes(routes!(conversations::show, conversations::remove))
        .routes(routes!(conversations::ask))
        .routes(routes!(feedback::give))
        .routes(routes!(collections::list, collections::create))
        .routes(routes!(collections::change, collections::remove))
        .routes(routes!(evaluation::list_questions, evaluation::add_question, evaluation::clear_questions))
        .routes(routes!(evaluation::import_questions).layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES)))
        .routes(routes!(evaluation::remove_question))
        .routes(routes!(evaluation::list_runs, evaluation::run))
        .routes(routes!(documents::list, upload::upload))
        .routes(routes!(sites::crawl))
        .routes(routes!(documents::show, documents::change, documents::remove))
        .routes(routes!(original::show))
        .routes(routes!(original::ingest_again))
        .routes(routes!(versions::list))
        .routes(routes!(versions::show))
        .routes(routes!(versions::restore))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show, jobs::cancel))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::follow))
        .routes(routes!(reindex::show, reindex::begin))
        .routes(routes!(backup::download))
        .routes(routes!(doctor::check))
        .routes(routes!(login::log_in))
        .routes(routes!(login::create_code))
        .routes(routes!(erasures::show))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES));
    OpenApiRouter::with_openapi(outline())
        .routes(routes!(assets::chat))
        .routes(routes!(assets::asset))
        .routes(routes!(openapi_document::show))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .nest("/api/v1", api)
}

/// The whole service.
pub fn router(app: App) -> Router {
    let (router, document) = paths().split_for_parts();
    router
        .layer(Extension(OpenApiDocument::new(&complete(document))))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(Admission::of(&app), admission::check))
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(app)
}

/// Answers every request of a connection that is one too many.
pub(crate) fn refusal() -> Router {
    let refuse = async || {
        let refusal = ApiError::of_code(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections");
        ([(header::RETRY_AFTER, "1")], refusal)
    };
    Router::new().fallback(refuse).layer(middleware::from_fn(envelope::wrap))
}

/// The document that describes the service.
pub fn openapi() -> OpenApi {
    complete(paths().into_openapi())
}
