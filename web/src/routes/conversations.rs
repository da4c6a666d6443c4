//! `/api/v1/conversations`: chats, and the answers that stream into them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat::{Ask, render};
use domain::{
    Citation, CollectionId, Conversation, ConversationId, FinishReason, Language, Role, Turn, TurnId,
    TurnState,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{self, Path, Tenant};
use crate::filter::FilterRequest;
use crate::sse;

const MOST_CONVERSATIONS: u32 = 200;

/// A turn with its text as HTML that a browser may be given.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct TurnView {
    pub id: TurnId,
    pub conversation: ConversationId,
    pub position: u32,
    pub role: Role,
    pub state: TurnState,
    pub content: String,
    pub html: String,
    pub language: Language,
    pub abstained: bool,
    pub finish_reason: Option<FinishReason>,
    pub citations: Vec<CitationView>,
    pub created_at: String,
}

/// A citation with its passage as HTML.
#[derive(Debug, Serialize)]
pub struct CitationView {
    #[serde(flatten)]
    citation: Citation,
    html: String,
}

impl From<Turn> for TurnView {
    fn from(turn: Turn) -> Self {
        let cited: Vec<u32> = turn.citations.iter().map(|citation| citation.number).collect();
        Self {
            html: render::answer_html(&turn.content, &cited),
            citations: turn.citations.into_iter().map(CitationView::from).collect(),
            id: turn.id,
            conversation: turn.conversation,
            position: turn.position,
            role: turn.role,
            state: turn.state,
            content: turn.content,
            language: turn.language,
            abstained: turn.abstained,
            finish_reason: turn.finish_reason,
            created_at: turn.created_at.to_string(),
        }
    }
}

impl From<Citation> for CitationView {
    fn from(citation: Citation) -> Self {
        Self { html: render::document_html(&citation.text), citation }
    }
}

/// A question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTurn {
    question: String,
    #[serde(default)]
    collections: Vec<CollectionId>,
    #[serde(default)]
    filter: FilterRequest,
}

/// Newest first.
pub async fn list(State(app): State<App>, Tenant(workspace): Tenant) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "conversations": app.knowledge.db.conversations(workspace, MOST_CONVERSATIONS).await? })))
}

/// Begins one.
pub async fn create(
    State(app): State<App>,
    Tenant(workspace): Tenant,
) -> Result<(StatusCode, Json<Conversation>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.knowledge.db.create_conversation(workspace).await?)))
}

/// One with its turns.
pub async fn show(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<ConversationId>,
) -> Result<Json<Value>, ApiError> {
    let conversation = app.knowledge.db.conversation(workspace, id).await?;
    let turns: Vec<TurnView> =
        app.knowledge.db.turns(workspace, id).await?.into_iter().map(TurnView::from).collect();
    Ok(Json(json!({ "conversation": conversation, "turns": turns })))
}

/// Removes one with all that was said in it.
pub async fn remove(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode, ApiError> {
    app.knowledge.db.delete_conversation(workspace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks; the answer streams.
pub async fn ask(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(conversation): Path<ConversationId>,
    extract::Json(turn): extract::Json<NewTurn>,
) -> Result<Response, ApiError> {
    let NewTurn { question, collections, filter } = turn;
    let ask = Ask { workspace, conversation, question, collections, filter: filter.read()? };
    Ok(sse::stream(app.chat.ask(ask).await?).into_response())
}
