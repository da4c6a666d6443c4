//! Every path of the service on one screen.

use axum::extract::DefaultBodyLimit;
use axum::{Extension, Router, middleware};
use service::App;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::openapi::{complete, outline};
use crate::routes::openapi_document::OpenApiDocument;
use crate::routes::{
    assets, backup, collections, conversations, doctor, documents, erasures, evaluation, feedback, health,
    jobs, messages, openapi_document, original, reindex, search, sites, status, upload, versions,
};
use crate::{envelope, guard};

/// Maximum length of a JSON body: a question of 100,000 characters still gets an error of its own.
const MAX_JSON_BYTES: usize = 1 << 20;

/// The paths, and what the document says of them.
fn paths(max_upload_bytes: usize) -> OpenApiRouter<App> {
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
        .routes(routes!(evaluation::import_questions))
        .routes(routes!(evaluation::remove_question))
        .routes(routes!(evaluation::list_runs, evaluation::run))
        .routes(
            routes!(documents::list, upload::upload)
                .layer(DefaultBodyLimit::max(max_upload_bytes + MAX_JSON_BYTES)),
        )
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
    let max_upload_bytes = usize::try_from(app.config.ingest.document_bytes).unwrap_or(usize::MAX);
    let (router, document) = paths(max_upload_bytes).split_for_parts();
    router
        .layer(Extension(OpenApiDocument::new(&complete(document))))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(guard::check))
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(app)
}

/// The document that describes the service.
pub fn openapi() -> OpenApi {
    complete(paths(MAX_JSON_BYTES).into_openapi())
}
