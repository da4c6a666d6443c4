//! `/api/v1/feedback`: whether an answer helped.

use axum::extract::State;
use axum::http::StatusCode;
use domain::TurnId;
use serde::Deserialize;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Json, Tenant};

const MOST_COMMENT_CHARACTERS: usize = 2_000;

/// A reader's word on one answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    turn_id: TurnId,
    helpful: bool,
    #[serde(default)]
    comment: String,
}

/// Stores it.
pub async fn give(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Json(feedback): Json<Feedback>,
) -> Result<StatusCode, ApiError> {
    if feedback.comment.chars().count() > MOST_COMMENT_CHARACTERS {
        return Err(ApiError::invalid(
            "comment",
            format!("has more than {MOST_COMMENT_CHARACTERS} characters"),
        ));
    }
    app.knowledge.db.add_feedback(workspace, feedback.turn_id, feedback.helpful, &feedback.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}
