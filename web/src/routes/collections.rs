//! `/api/v1/collections`: sets of documents that are searched together.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Collection, CollectionId, Visibility};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{self, Path, Tenant};

const MOST_NAME_CHARACTERS: usize = 100;

/// A collection to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    name: String,
    #[serde(default = "private")]
    visibility: Visibility,
}

fn private() -> Visibility {
    Visibility::Private
}

/// What is to be otherwise; what is not named stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionChange {
    /// `null`: the service's default.
    #[serde(default, deserialize_with = "named")]
    evidence_threshold: Option<Option<f64>>,
}

/// Tells a field that is `null` from one that is not there.
fn named<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<f64>>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

/// All of the tenant's.
pub async fn list(State(app): State<App>, Tenant(workspace): Tenant) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "collections": app.knowledge.db.collections(workspace).await? })))
}

/// Makes one; the same name again is the same collection.
pub async fn create(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    extract::Json(new): extract::Json<NewCollection>,
) -> Result<(StatusCode, Json<Collection>), ApiError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MOST_NAME_CHARACTERS || name.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            "name",
            format!("must have 1 to {MOST_NAME_CHARACTERS} printable characters"),
        ));
    }
    let collection = app.knowledge.db.ensure_collection(workspace, name, new.visibility).await?;
    Ok((StatusCode::CREATED, Json(collection)))
}

/// Changes one.
pub async fn change(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<CollectionId>,
    extract::Json(change): extract::Json<CollectionChange>,
) -> Result<Json<Collection>, ApiError> {
    let db = &app.knowledge.db;
    let Some(threshold) = change.evidence_threshold else {
        return Ok(Json(db.collection(workspace, id).await?));
    };
    if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
        return Err(ApiError::invalid("evidence_threshold", "must lie between 0 and 1, or be null"));
    }
    Ok(Json(db.set_evidence_threshold(workspace, id, threshold).await?))
}

/// Removes one with its documents.
pub async fn remove(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<CollectionId>,
) -> Result<StatusCode, ApiError> {
    app.knowledge.db.delete_collection(workspace, id).await?;
    app.knowledge.pipeline.sweep().await?;
    Ok(StatusCode::NO_CONTENT)
}
