//! Stores the evaluation set of a collection: the questions that it is measured with.
//!
//! The same question after the same history is the same row, so adding a file twice changes nothing, and adding a
//! question again updates its expected sources and answer. A question made from a chat is a copy: it stays when the chat
//! is deleted.

use domain::{CollectionId, EvalQuestion, EvalQuestionId, TurnId, WorkspaceId};
use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::documents::collections::lock_collection;
use crate::error::DbError;
use crate::stored_text::{reject_nul, require_text};
use crate::{decode, encode};

/// Maximum number of questions in a set.
pub const MAX_EVAL_QUESTIONS: usize = 5_000;

macro_rules! columns {
    () => {
        "id, question, history, expected, answer, turn"
    };
}

/// A question to add to a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvalQuestion {
    /// The question.
    pub question: EvalQuestion,
    /// The turn that it was made from.
    pub turn: Option<TurnId>,
}

/// A question of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredEvalQuestion {
    /// Derived from the collection, the history and the question.
    pub id: EvalQuestionId,
    /// The question.
    #[serde(flatten)]
    pub question: EvalQuestion,
    /// The turn that it was made from.
    pub turn: Option<TurnId>,
}

impl Database {
    /// Adds questions to the collection's set, all or none of them. An existing question is updated in place.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such collection; [`DbError::Rejected`] for an empty question, for a NUL in any
    /// text, and when the set would have more than [`MAX_EVAL_QUESTIONS`].
    pub async fn add_eval_questions(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        new: &[NewEvalQuestion],
    ) -> Result<Vec<StoredEvalQuestion>, DbError> {
        let mut tx = self.write().await?;
        lock_collection(&mut tx, workspace, collection).await?;
        let mut added = Vec::with_capacity(new.len());
        for new in new {
            check(&new.question)?;
            added.push(upsert(&mut tx, workspace, collection, new).await?);
        }
        let row = sqlx::query("SELECT COUNT(*) AS questions FROM eval_questions WHERE collection = $1")
            .bind(collection.to_string())
            .fetch_one(&mut *tx)
            .await?;
        if decode::number::<usize>(&row, "questions")? > MAX_EVAL_QUESTIONS {
            return Err(DbError::Rejected(format!(
                "an evaluation set holds at most {MAX_EVAL_QUESTIONS} questions"
            )));
        }
        tx.commit().await?;
        Ok(added)
    }

    /// Adds or updates one question, as [`add_eval_questions`](Database::add_eval_questions) does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn add_eval_question(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        new: NewEvalQuestion,
    ) -> Result<StoredEvalQuestion, DbError> {
        let added = self.add_eval_questions(workspace, collection, &[new]).await?;
        added.into_iter().next().ok_or(DbError::NotFound("evaluation question"))
    }

    /// The collection's set, in the order in which the questions were first added.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn eval_questions(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
    ) -> Result<Vec<StoredEvalQuestion>, DbError> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM eval_questions WHERE workspace = $1 AND collection = $2 ORDER BY position"
        ))
        .bind(workspace.to_string())
        .bind(collection.to_string())
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_question)
        .collect()
    }

    /// Removes one question from the collection's set.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when the set has no such question.
    pub async fn remove_eval_question(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        question: EvalQuestionId,
    ) -> Result<(), DbError> {
        let remove =
            sqlx::query("DELETE FROM eval_questions WHERE workspace = $1 AND collection = $2 AND id = $3")
                .bind(workspace.to_string())
                .bind(collection.to_string())
                .bind(question.to_string());
        self.change(remove, "evaluation question").await
    }

    /// Removes all questions from the collection's set. Its runs stay.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn clear_eval_questions(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM eval_questions WHERE workspace = $1 AND collection = $2")
            .bind(workspace.to_string())
            .bind(collection.to_string())
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

fn check(question: &EvalQuestion) -> Result<(), DbError> {
    require_text("question", &question.question)?;
    for text in question.history.iter().chain(&question.expected).chain(&question.answer) {
        reject_nul("question's history, expected sources or answer", text)?;
    }
    Ok(())
}

async fn upsert(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    collection: CollectionId,
    new: &NewEvalQuestion,
) -> Result<StoredEvalQuestion, DbError> {
    let question = &new.question;
    let row = sqlx::query(concat!(
        "INSERT INTO eval_questions (id, workspace, collection, position, question, history, expected, answer, turn, ",
        "created_at) VALUES ($1, $2, $3, (SELECT COALESCE(MAX(position), -1) + 1 FROM eval_questions ",
        "WHERE collection = $3), $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET expected = excluded.expected, ",
        "answer = excluded.answer, turn = COALESCE(excluded.turn, eval_questions.turn) RETURNING ",
        columns!()
    ))
    .bind(EvalQuestionId::derive(collection, &question.history, &question.question).to_string())
    .bind(workspace.to_string())
    .bind(collection.to_string())
    .bind(question.question.as_str())
    .bind(serde_json::to_string(&question.history)?)
    .bind(serde_json::to_string(&question.expected)?)
    .bind(question.answer.clone())
    .bind(new.turn.map(|turn| turn.to_string()))
    .bind(encode::now_ms())
    .fetch_one(connection)
    .await?;
    decode_question(&row)
}

fn decode_question(row: &AnyRow) -> Result<StoredEvalQuestion, DbError> {
    Ok(StoredEvalQuestion {
        id: decode::id(row, "id")?,
        question: EvalQuestion {
            question: decode::text(row, "question")?,
            history: decode::json(row, "history")?,
            expected: decode::json(row, "expected")?,
            answer: decode::optional_text(row, "answer")?,
        },
        turn: decode::optional_id(row, "turn")?,
    })
}
