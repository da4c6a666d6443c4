//! `/api/v1/collections/{collection}/evaluation`: the questions that a collection is measured with, and the measurements.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use db::NewEvalQuestion;
use domain::{CollectionId, EvalQuestionId};
use service::App;
use service::evaluation;
use service::evaluation::question::{GivenQuestion, checked};

use crate::api::errors::ErrorEnvelope;
use crate::api::evaluation::{
    EvalRun, ImportedQuestions, Measured, NewQuestion, QuestionImport, QuestionList, RunList, RunQuery,
    StoredQuestion,
};
use crate::api_error::ApiError;
use crate::extract::{self, Path, Query, Tenant};
use crate::localized_text::LocalizedText;

const MAX_RUNS: u32 = 100;

/// List the questions of a collection's set
#[utoipa::path(
    get, path = "/collections/{collection}/evaluation/questions", tag = "evaluation", operation_id = "list_questions",
    params(("collection" = Uuid, Path, description = "The collection.")),
    responses(
        (status = 200, description = "The questions, in the order in which they were added.", body = QuestionList),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn list_questions(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
) -> Result<Json<QuestionList>, ApiError> {
    app.db.collection(workspace, collection).await?;
    let questions = app.db.eval_questions(workspace, collection).await?;
    Ok(Json(QuestionList { questions: questions.into_iter().map(StoredQuestion::from).collect() }))
}

/// Add a question to a collection's set
///
/// The same question after the same history is replaced.
#[utoipa::path(
    post, path = "/collections/{collection}/evaluation/questions", tag = "evaluation", operation_id = "add_question",
    params(("collection" = Uuid, Path, description = "The collection.")),
    request_body = NewQuestion,
    responses(
        (status = 201, description = "The question as it is stored.", body = StoredQuestion),
        (status = 404, description = "There is no such collection or turn.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn add_question(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    extract::Json(new): extract::Json<NewQuestion>,
) -> Result<(StatusCode, Json<StoredQuestion>), ApiError> {
    let mut new = GivenQuestion::from(new).complete(&app.db, workspace, collection).await?;
    new.question = checked(new.question, app.config.chat.question_characters)?;
    let added = app.db.add_eval_question(workspace, collection, new).await?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// Add many questions to a collection's set
///
/// All are checked before the first is stored, and all are stored or none.
#[utoipa::path(
    post, path = "/collections/{collection}/evaluation/questions/import", tag = "evaluation", operation_id = "import_questions",
    params(("collection" = Uuid, Path, description = "The collection.")),
    request_body = QuestionImport,
    responses(
        (status = 201, description = "The questions are stored.", body = ImportedQuestions),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn import_questions(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    extract::Json(import): extract::Json<QuestionImport>,
) -> Result<(StatusCode, Json<ImportedQuestions>), ApiError> {
    let max_characters = app.config.chat.question_characters;
    let mut new = Vec::with_capacity(import.questions.len());
    for question in import.questions {
        new.push(NewEvalQuestion { question: checked(question.into(), max_characters)?, turn: None });
    }
    let added = app.db.add_eval_questions(workspace, collection, &new).await?;
    Ok((StatusCode::CREATED, Json(ImportedQuestions { added: added.len() })))
}

/// Remove a question from a collection's set
#[utoipa::path(
    delete, path = "/collections/{collection}/evaluation/questions/{question}", tag = "evaluation", operation_id = "remove_question",
    params(("collection" = Uuid, Path, description = "The collection."), ("question" = Uuid, Path, description = "The question.")),
    responses(
        (status = 204, description = "The question is removed."),
        (status = 404, description = "There is no such question.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn remove_question(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path((collection, question)): Path<(CollectionId, EvalQuestionId)>,
) -> Result<StatusCode, ApiError> {
    app.db.remove_eval_question(workspace, collection, question).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove all questions of a collection's set
#[utoipa::path(
    delete, path = "/collections/{collection}/evaluation/questions", tag = "evaluation", operation_id = "clear_questions",
    params(("collection" = Uuid, Path, description = "The collection.")),
    responses(
        (status = 204, description = "The set is empty."),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn clear_questions(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
) -> Result<StatusCode, ApiError> {
    app.db.collection(workspace, collection).await?;
    app.db.clear_eval_questions(workspace, collection).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the stored measurements of a collection
#[utoipa::path(
    get, path = "/collections/{collection}/evaluation/runs", tag = "evaluation", operation_id = "list_runs",
    params(("collection" = Uuid, Path, description = "The collection.")),
    responses(
        (status = 200, description = "The measurements, newest first.", body = RunList),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn list_runs(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
) -> Result<Json<RunList>, ApiError> {
    app.db.collection(workspace, collection).await?;
    let runs = app.db.eval_runs(workspace, collection, MAX_RUNS).await?;
    Ok(Json(RunList { runs: runs.into_iter().map(EvalRun::from).collect() }))
}

/// Measure a collection with its questions
///
/// One measurement runs at a time: two would measure each other's latency.
#[utoipa::path(
    post, path = "/collections/{collection}/evaluation/runs", tag = "evaluation", operation_id = "run_evaluation",
    params(("collection" = Uuid, Path, description = "The collection."), RunQuery),
    responses(
        (status = 200, description = "The measurement; it is not stored.", body = Measured),
        (status = 201, description = "The measurement as it is stored.", body = EvalRun),
        (status = 404, description = "There is no such collection.", body = ErrorEnvelope),
        (status = 409, description = "The set is empty, or another measurement is running.", body = ErrorEnvelope),
        (status = 422, description = "`limit` is 0, or is given without `keep=false`.", body = ErrorEnvelope),
    ),
)]
pub(crate) async fn run(
    State(app): State<App>,
    Tenant(workspace): Tenant,
    Path(collection): Path<CollectionId>,
    Query(query): Query<RunQuery>,
) -> Result<Response, ApiError> {
    let RunQuery { keep, limit } = query;
    if limit == Some(0) || (keep && limit.is_some()) {
        let text = LocalizedText::key("error-invalid-value-evaluation-limit");
        return Err(ApiError::invalid("limit", text));
    }
    let Ok(_lock) = app.evaluating.try_lock() else {
        return Err(ApiError::of_code(StatusCode::CONFLICT, "evaluation_running"));
    };
    let (knowledge, subject) = (app.knowledge().await?, (workspace, collection));
    if keep {
        let run = evaluation::run(knowledge, &app.config, subject, |_| {}).await?;
        return Ok((StatusCode::CREATED, Json(EvalRun::from(run))).into_response());
    }
    let measured = evaluation::measure(knowledge, &app.config, subject, limit, |_| {}).await?;
    Ok(Json(Measured::from(measured)).into_response())
}
