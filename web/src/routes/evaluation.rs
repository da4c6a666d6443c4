//! `/api/v1/collections/{id}/evaluation`: the questions that a collection is measured with, and what they measured.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use db::StoredEvalQuestion;
use domain::{CollectionId, EvalQuestionId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::evaluation;
use crate::evaluation::question::{GivenQuestion, checked};
use crate::extract::{self, Path, Query, Tenant};

const MOST_RUNS: u32 = 100;

/// How to run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOptions {
    /// Whether the run is kept, for later ones to be compared with.
    #[serde(default = "yes")]
    keep: bool,
    /// Most questions of each kind; only for what is not kept, because a part is not comparable with the whole.
    limit: Option<usize>,
}

fn yes() -> bool {
    true
}

/// The whole set.
pub async fn list_questions(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
) -> Result<Json<Value>, ApiError> {
    app.knowledge.db.collection(workspace, collection).await?;
    Ok(Json(json!({ "questions": app.knowledge.db.eval_questions(workspace, collection).await? })))
}

/// Adds a question, or one that is made of a turn; the same question after the same history is corrected.
pub async fn add_question(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    extract::Json(given): extract::Json<GivenQuestion>,
) -> Result<(StatusCode, Json<StoredEvalQuestion>), ApiError> {
    let db = &app.knowledge.db;
    let mut new = given.complete(db, workspace, collection).await?;
    new.question = checked(new.question, app.config.chat.question_characters)?;
    let added = db.add_eval_question(workspace, collection, new).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Takes one question out.
pub async fn remove_question(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path((collection, question)): Path<(CollectionId, EvalQuestionId)>,
) -> Result<StatusCode, ApiError> {
    app.knowledge.db.remove_eval_question(workspace, collection, question).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Empties the set.
pub async fn clear_questions(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
) -> Result<StatusCode, ApiError> {
    app.knowledge.db.collection(workspace, collection).await?;
    app.knowledge.db.clear_eval_questions(workspace, collection).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The newest runs, newest first.
pub async fn list_runs(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
) -> Result<Json<Value>, ApiError> {
    app.knowledge.db.collection(workspace, collection).await?;
    Ok(Json(json!({ "runs": app.knowledge.db.eval_runs(workspace, collection, MOST_RUNS).await? })))
}

/// Measures now. One at a time: two would measure each other's latency.
pub async fn run(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    Query(options): Query<RunOptions>,
) -> Result<Response, ApiError> {
    if options.limit == Some(0) || (options.keep && options.limit.is_some()) {
        return Err(ApiError::invalid("limit", "must be 1 or more, and needs keep=false"));
    }
    let Ok(_alone) = app.evaluating.try_lock() else {
        let message = "another evaluation is running; try again when it is done";
        return Err(ApiError::new(StatusCode::CONFLICT, "evaluation_running", message));
    };
    let at = (workspace, collection);
    if options.keep {
        let run = evaluation::run(&app.knowledge, &app.config, at, |_| {}).await?;
        return Ok((StatusCode::CREATED, Json(run)).into_response());
    }
    let measured = evaluation::measure(&app.knowledge, &app.config, at, options.limit, |_| {}).await?;
    Ok(Json(measured).into_response())
}
