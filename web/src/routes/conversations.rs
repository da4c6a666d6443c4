//! `/api/v1/conversations`: questions, and the answers that are streamed to them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chat::Ask;
use domain::ConversationId;
use futures::StreamExt;
use service::App;

use crate::api::conversations::{
    AnswerEvent, Conversation, ConversationList, ConversationReply, DeltaEvent, NewTurn, QueuedEvent, Turn,
};
use crate::api::errors::ErrorEnvelope;
use crate::api_error::ApiError;
use crate::extract::{self, Language, Path, Tenant};
use crate::sse;

const MAX_CONVERSATIONS: u32 = 200;

/// List conversations
#[utoipa::path(
    get, path = "/conversations", tag = "conversations", operation_id = "list_conversations",
    responses((status = 200, description = "The conversations, newest first.", body = ConversationList)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(workspace): Tenant,
) -> Result<Json<ConversationList>, ApiError> {
    let conversations = app.db.conversations(workspace, MAX_CONVERSATIONS).await?;
    let conversations = conversations.into_iter().map(Conversation::from).collect();
    Ok(Json(ConversationList { conversations }))
}

/// Start a conversation
#[utoipa::path(
    post, path = "/conversations", tag = "conversations", operation_id = "create_conversation",
    responses((status = 201, description = "The conversation.", body = Conversation)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Tenant(workspace): Tenant,
) -> Result<(StatusCode, Json<Conversation>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.db.create_conversation(workspace).await?.into())))
}

/// Show a conversation with its turns
#[utoipa::path(
    get, path = "/conversations/{conversation}", tag = "conversations", operation_id = "show_conversation",
    params(("conversation" = Uuid, Path, description = "The conversation.")),
    responses(
        (status = 200, description = "The conversation.", body = ConversationReply),
        (status = 404, description = "There is no such conversation.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<ConversationId>,
) -> Result<Json<ConversationReply>, ApiError> {
    let conversation = app.db.conversation(workspace, id).await?.into();
    let turns = app.db.turns(workspace, id).await?.into_iter().map(Turn::from).collect();
    Ok(Json(ConversationReply { conversation, turns }))
}

/// Delete a conversation with its turns
#[utoipa::path(
    delete, path = "/conversations/{conversation}", tag = "conversations", operation_id = "delete_conversation",
    params(("conversation" = Uuid, Path, description = "The conversation.")),
    responses(
        (status = 204, description = "The conversation is deleted."),
        (status = 404, description = "There is no such conversation.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode, ApiError> {
    app.db.delete_conversation(workspace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask a question
///
/// The question is stored before any work on it, and the answer is streamed while it is written. An answer whose reader
/// disconnects is stored as far as it was written.
#[utoipa::path(
    post, path = "/conversations/{conversation}/turns", tag = "conversations", operation_id = "ask",
    params(("conversation" = Uuid, Path, description = "The conversation.")),
    request_body = NewTurn,
    responses(
        (
            status = 200, description = "The answer while it is written.",
            body = AnswerEvent, content_type = "text/event-stream",
        ),
        (status = 404, description = "There is no such conversation or collection.", body = ErrorEnvelope),
        (
            status = 409, description = "Another answer of the conversation is being written; nothing was stored.",
            body = ErrorEnvelope,
        ),
        (
            status = 429, description = "Too many questions are waiting; nothing was stored.", body = ErrorEnvelope,
            headers(("retry-after" = u32, description = "Seconds after which to ask again.")),
        ),
    ),
)]
pub(crate) async fn ask(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Language(locale): Language,
    Path(conversation): Path<ConversationId>,
    extract::Json(turn): extract::Json<NewTurn>,
) -> Result<Response, ApiError> {
    let NewTurn { question, collections, filter } = turn;
    let ask = Ask { workspace, conversation, question, collections, filter: filter.parse()? };
    let events = app.chat().await?.ask(ask).await?;
    Ok(sse::response(events.map(move |event| answer_event(event, locale))))
}

fn answer_event(event: chat::AnswerEvent, locale: locales::Locale) -> AnswerEvent {
    match event {
        chat::AnswerEvent::Queued { position } => AnswerEvent::Queued(QueuedEvent { position }),
        chat::AnswerEvent::Sources(passages) => AnswerEvent::Sources(passages.into()),
        chat::AnswerEvent::Delta(text) => AnswerEvent::Delta(DeltaEvent { text }),
        chat::AnswerEvent::Done(completed) => AnswerEvent::Done((*completed).into()),
        chat::AnswerEvent::Failed(error) => AnswerEvent::Error(ApiError::from(error).event(locale)),
    }
}
