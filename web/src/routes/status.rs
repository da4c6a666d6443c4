//! `/api/v1/status`: what runs here.

use axum::Json;
use axum::extract::State;
use service::App;

use crate::api::collections::Collection;
use crate::api::status::{EmbedderStatus, Status};
use crate::api_error::ApiError;
use crate::extract::Tenant;

/// Version, models, and what there is to ask about
#[utoipa::path(
    get, path = "/status", tag = "server", operation_id = "show_status",
    responses((status = 200, description = "What runs here.", body = Status)),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
) -> Result<Json<Status>, ApiError> {
    let index = app.knowledge().await?.index.current();
    let collections = app.db.collections(workspace).await?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generator: app.chat().await?.generator().into(),
        embedder: EmbedderStatus { model: index.embedder.space().model.clone() },
        documents: app.db.count_documents(workspace).await?,
        collections: collections.into_iter().map(Collection::from).collect(),
    }))
}
