//! `/api/v1/search`: passages without an answer.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::{CollectionId, Passage};
use retriever::Query;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{self, Tenant};
use crate::filter::FilterRequest;

const MOST_PASSAGES: usize = 50;

/// What to search for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    query: String,
    #[serde(default)]
    collections: Vec<CollectionId>,
    #[serde(default)]
    filter: FilterRequest,
    #[serde(default = "ten")]
    limit: usize,
}

fn ten() -> usize {
    10
}

/// What was found, best first.
#[derive(Debug, Serialize, Deserialize)]
pub struct SearchResponse {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Milliseconds by stage.
    pub timings_ms: BTreeMap<String, f64>,
}

/// Searches the named collections, or all, within the filter.
pub async fn search(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    extract::Json(request): extract::Json<SearchRequest>,
) -> Result<Json<SearchResponse>, ApiError> {
    if request.query.trim().is_empty() {
        return Err(ApiError::invalid("query", "the query is empty"));
    }
    let most = app.config.chat.question_characters;
    if request.query.chars().count() > most {
        return Err(ApiError::invalid("query", format!("the query has more than {most} characters")));
    }
    if !(1..=MOST_PASSAGES).contains(&request.limit) {
        return Err(ApiError::invalid("limit", format!("must be 1 to {MOST_PASSAGES}")));
    }
    let scope = app.knowledge.db.scope(workspace, &request.collections, request.filter.read()?).await?;
    let retrieved = app
        .knowledge
        .retriever
        .retrieve(&Query { text: request.query, earlier: Vec::new(), scope, limit: request.limit })
        .await?;
    Ok(Json(SearchResponse { passages: retrieved.passages, timings_ms: retrieved.timings_ms }))
}
