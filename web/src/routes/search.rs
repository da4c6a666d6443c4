//! `/api/v1/search`: passages without an answer.

use axum::Json;
use axum::extract::State;
use retriever::Query;
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api::search::{Passage, SearchRequest, SearchResponse};
use crate::api_error::ApiError;
use crate::extract::{self, Tenant};
use crate::localized_text::LocalizedText;

const MAX_PASSAGES: usize = 50;

/// Search for passages
#[utoipa::path(
    post, path = "/search", tag = "search", operation_id = "search", request_body = SearchRequest,
    responses(
        (status = 200, description = "The passages, best first.", body = SearchResponse),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
        (
            status = 429, description = "Too many searches are waiting.", body = ErrorEnvelope,
            headers(("retry-after" = u32, description = "Seconds after which to search again.")),
        ),
    ),
)]
pub(crate) async fn search(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    extract::Json(request): extract::Json<SearchRequest>,
) -> Result<Json<SearchResponse>, ApiError> {
    check(&request, app.config.chat.question_characters)?;
    let SearchRequest { query: text, collections, filter, limit } = request;
    let filter = filter.parse()?;
    let retriever = &app.knowledge().await?.retriever;
    let _ticket = retriever.reserve()?;
    let scope = app.db.scope(workspace, &collections, filter).await?;
    let query = Query { text, earlier: Vec::new(), scope, limit };
    let retrieved = retriever.retrieve(&query).await?;
    let passages = retrieved.passages.into_iter().map(Passage::from).collect();
    Ok(Json(SearchResponse { passages, timings_ms: retrieved.timings_ms }))
}

fn check(request: &SearchRequest, max_characters: usize) -> Result<(), ApiError> {
    if request.query.trim().is_empty() {
        return Err(ApiError::invalid("query", LocalizedText::key("error-invalid-value-query-empty")));
    }
    if request.query.chars().count() > max_characters {
        let text =
            LocalizedText::with("error-invalid-value-max-characters", [("max", max_characters.into())]);
        return Err(ApiError::invalid("query", text));
    }
    if !(1..=MAX_PASSAGES).contains(&request.limit) {
        let text = LocalizedText::with(
            "error-invalid-value-range",
            [("min", 1.into()), ("max", MAX_PASSAGES.into())],
        );
        return Err(ApiError::invalid("limit", text));
    }
    Ok(())
}
