//! `/api/v1/feedback`: whether an answer helped.

use axum::extract::State;
use axum::http::StatusCode;
use service::App;

use crate::api::errors::ErrorEnvelope;
use crate::api::feedback::Feedback;
use crate::api_error::ApiError;
use crate::extract::{Json, Tenant};
use crate::localized_text::LocalizedText;

const MAX_COMMENT_CHARACTERS: usize = 2_000;

/// Say whether an answer helped
#[utoipa::path(
    post, path = "/feedback", tag = "conversations", operation_id = "give_feedback", request_body = Feedback,
    responses(
        (status = 204, description = "The feedback is stored."),
        (status = 404, description = "There is no such turn.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn give(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Json(feedback): Json<Feedback>,
) -> Result<StatusCode, ApiError> {
    let Feedback { turn_id, helpful, comment } = feedback;
    if comment.chars().count() > MAX_COMMENT_CHARACTERS {
        let max = MAX_COMMENT_CHARACTERS;
        let text = LocalizedText::with("error-invalid-value-max-characters", [("max", max.into())]);
        return Err(ApiError::invalid("comment", text));
    }
    app.db.save_feedback(workspace, turn_id, helpful, &comment).await?;
    Ok(StatusCode::NO_CONTENT)
}
