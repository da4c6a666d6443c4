//! Evaluation sets: the questions that a collection is measured with. A collection has one set.
//!
//! The same question after the same history is the same row, so adding a file twice changes nothing, and adding a
//! question again corrects what is expected of it. A question that was made of a chat is a copy: it stays when the chat
//! is deleted.

use domain::{CollectionId, EvalQuestion, EvalQuestionId, TurnId, WorkspaceId};
use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::collections::lock_collection;
use crate::rows::{self, now_ms};
use crate::text::{refuse_nul, require};
use crate::{Database, DbError};

/// Most questions of a set.
pub const MOST_EVAL_QUESTIONS: usize = 5_000;

macro_rules! columns {
    () => {
        "id, question, history, expected, answer, turn"
    };
}

/// A question to be added to a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvalQuestion {
    /// The question.
    pub question: EvalQuestion,
    /// The turn it was made of.
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
    /// The turn it was made of.
    pub turn: Option<TurnId>,
}

impl Database {
    /// Adds questions to the collection's set, all or none of them. One that is there already is corrected in its place.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] without such a collection; [`DbError::Rejected`] for an empty question, for a NUL in any
    /// text, and when the set would have more than [`MOST_EVAL_QUESTIONS`].
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
            added.push(put(&mut tx, workspace, collection, new).await?);
        }
        let row = sqlx::query("SELECT COUNT(*) AS questions FROM eval_questions WHERE collection = $1")
            .bind(collection.to_string())
            .fetch_one(&mut *tx)
            .await?;
        if rows::number::<usize>(&row, "questions")? > MOST_EVAL_QUESTIONS {
            return Err(DbError::Rejected(format!(
                "an evaluation set holds at most {MOST_EVAL_QUESTIONS} questions"
            )));
        }
        tx.commit().await?;
        Ok(added)
    }

    /// Adds one question, or corrects it, as [`add_eval_questions`](Database::add_eval_questions) does.
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

    /// The collection's set, in the order in which its questions were added first.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
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
        .map(stored)
        .collect()
    }

    /// Takes one question out of the collection's set.
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

    /// Empties the collection's set. What it measured before is kept.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
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
    require("question", &question.question)?;
    for text in question.history.iter().chain(&question.expected).chain(&question.answer) {
        refuse_nul("question's history, expectation or answer", text)?;
    }
    Ok(())
}

async fn put(
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
    .bind(now_ms())
    .fetch_one(connection)
    .await?;
    stored(&row)
}

fn stored(row: &AnyRow) -> Result<StoredEvalQuestion, DbError> {
    Ok(StoredEvalQuestion {
        id: rows::parsed(row, "id")?,
        question: EvalQuestion {
            question: rows::text(row, "question")?,
            history: rows::json(row, "history")?,
            expected: rows::json(row, "expected")?,
            answer: rows::optional_text(row, "answer")?,
        },
        turn: rows::optional(row, "turn")?,
    })
}
