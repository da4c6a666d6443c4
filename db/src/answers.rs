//! Answers while they are written and after: their text, their passages, and what people thought of them.
//!
//! An answer is `Writing` until it is finished or found unfinished at start; after that nothing changes it any more.

use std::collections::BTreeMap;

use domain::{Citation, FinishReason, Language, Passage, Turn, TurnId, TurnState, Usage, WorkspaceId};
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::rows::{self, count, now_ms, word};
use crate::text::replace_nul;
use crate::turns::turn_columns;
use crate::{Database, DbError};

/// The end of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedAnswer {
    /// `Complete` or `Interrupted`.
    pub state: TurnState,
    /// The whole text, Markdown.
    pub content: String,
    /// Language of the text.
    pub language: Language,
    /// Whether it says that the documents do not hold the answer.
    pub abstained: bool,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// What it stands on, in order of first mention.
    pub citations: Vec<Citation>,
    /// The passages that were found, best first, cited or not.
    pub passages: Vec<Passage>,
    /// What it took.
    pub usage: Usage,
    /// Milliseconds by step.
    pub timings_ms: BTreeMap<String, f64>,
}

/// What somebody thought of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Whether it helped.
    pub helpful: bool,
    /// In their words; may be empty.
    pub comment: String,
    /// When it was said last.
    pub created_at: Timestamp,
}

impl Database {
    /// Keeps what is written of an answer, so that it survives the process.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such turn in the workspace, [`DbError::Conflict`] when it is not being written.
    pub async fn save_answer_so_far(
        &self,
        workspace: WorkspaceId,
        turn: TurnId,
        content: &str,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        let saved = sqlx::query(
            "UPDATE turns SET content = $3 WHERE workspace = $1 AND id = $2 AND state = 'writing'",
        )
        .bind(workspace.to_string())
        .bind(turn.to_string())
        .bind(replace_nul(content).into_owned())
        .execute(&mut *tx)
        .await?;
        if saved.rows_affected() == 0 {
            return Err(not_being_written(&mut tx, workspace, turn).await?);
        }
        Ok(tx.commit().await?)
    }

    /// Ends an answer, with everything it stands on, in one step.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such turn in the workspace, [`DbError::Conflict`] when it is not being
    /// written, [`DbError::Rejected`] when `answer.state` is not an end.
    pub async fn finish_answer(
        &self,
        workspace: WorkspaceId,
        turn: TurnId,
        answer: FinishedAnswer,
    ) -> Result<Turn, DbError> {
        if answer.state == TurnState::Writing {
            return Err(DbError::Rejected(
                "an answer cannot end in the state in which it is written".to_owned(),
            ));
        }
        let mut tx = self.write().await?;
        let Some(finished) = end_turn(&mut tx, workspace, turn, &answer).await? else {
            return Err(not_being_written(&mut tx, workspace, turn).await?);
        };
        insert_passages(&mut tx, workspace, turn, &answer.passages).await?;
        sqlx::query("UPDATE conversations SET updated_at = $2 WHERE id = $1")
            .bind(finished.conversation.to_string())
            .bind(now_ms())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(finished)
    }

    /// The passages that were found for an answer, best first; none for a question.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such turn in the workspace.
    pub async fn turn_passages(&self, workspace: WorkspaceId, turn: TurnId) -> Result<Vec<Passage>, DbError> {
        let rows = sqlx::query(
            "SELECT passage FROM turn_passages WHERE workspace = $1 AND turn = $2 ORDER BY position",
        )
        .bind(workspace.to_string())
        .bind(turn.to_string())
        .fetch_all(&self.reads)
        .await?;
        if rows.is_empty() {
            sqlx::query("SELECT id FROM turns WHERE workspace = $1 AND id = $2")
                .bind(workspace.to_string())
                .bind(turn.to_string())
                .fetch_optional(&self.reads)
                .await?
                .ok_or(DbError::NotFound("turn"))?;
        }
        rows.iter().map(|row| rows::json(row, "passage")).collect()
    }

    /// Marks answers that a process which died was writing as interrupted, keeps their text, and gives their number. To be
    /// called at start, by the one process that answers.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn interrupt_unfinished_answers(&self) -> Result<u64, DbError> {
        let mut tx = self.write().await?;
        let interrupted = sqlx::query(
            "UPDATE turns SET state = 'interrupted', finish_reason = 'error' WHERE state = 'writing'",
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(interrupted.rows_affected())
    }

    /// Stores what somebody thought of an answer. Saying it again replaces what was said before.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such answer in the workspace.
    pub async fn add_feedback(
        &self,
        workspace: WorkspaceId,
        turn: TurnId,
        helpful: bool,
        comment: &str,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query("SELECT id FROM turns WHERE workspace = $1 AND id = $2 AND role = 'assistant'")
            .bind(workspace.to_string())
            .bind(turn.to_string())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(DbError::NotFound("answer"))?;
        sqlx::query(
            "INSERT INTO feedback (turn, workspace, helpful, comment, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (turn) DO UPDATE SET helpful = excluded.helpful, comment = excluded.comment, \
             created_at = excluded.created_at",
        )
        .bind(turn.to_string())
        .bind(workspace.to_string())
        .bind(i64::from(helpful))
        .bind(replace_nul(comment).into_owned())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// What somebody thought of an answer, if they said.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn feedback(&self, workspace: WorkspaceId, turn: TurnId) -> Result<Option<Feedback>, DbError> {
        let row = sqlx::query(
            "SELECT helpful, comment, created_at FROM feedback WHERE workspace = $1 AND turn = $2",
        )
        .bind(workspace.to_string())
        .bind(turn.to_string())
        .fetch_optional(&self.reads)
        .await?;
        row.map(|row| {
            Ok(Feedback {
                helpful: rows::flag(&row, "helpful")?,
                comment: rows::text(&row, "comment")?,
                created_at: rows::time(&row, "created_at")?,
            })
        })
        .transpose()
    }
}

/// Writes the end of an answer; `None` when it is not being written.
async fn end_turn(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    turn: TurnId,
    answer: &FinishedAnswer,
) -> Result<Option<Turn>, DbError> {
    let row = sqlx::query(concat!(
        "UPDATE turns SET state = $3, content = $4, language = $5, abstained = $6, finish_reason = $7, citations = $8, ",
        "prompt_tokens = $9, cached_tokens = $10, completion_tokens = $11, timings_ms = $12 ",
        "WHERE workspace = $1 AND id = $2 AND state = 'writing' RETURNING ", turn_columns!()
    ))
    .bind(workspace.to_string())
    .bind(turn.to_string())
    .bind(word(&answer.state)?)
    .bind(replace_nul(&answer.content).into_owned())
    .bind(word(&answer.language)?)
    .bind(i64::from(answer.abstained))
    .bind(word(&answer.finish_reason)?)
    .bind(serde_json::to_string(&answer.citations)?)
    .bind(count(answer.usage.prompt_tokens))
    .bind(count(answer.usage.cached_tokens))
    .bind(count(answer.usage.completion_tokens))
    .bind(serde_json::to_string(&answer.timings_ms)?)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(rows::turn).transpose()
}

async fn insert_passages(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    turn: TurnId,
    passages: &[Passage],
) -> Result<(), DbError> {
    for (position, passage) in passages.iter().enumerate() {
        sqlx::query(
            "INSERT INTO turn_passages (turn, position, workspace, document, passage) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(turn.to_string())
        .bind(count(position))
        .bind(workspace.to_string())
        .bind(passage.chunk.document.to_string())
        .bind(serde_json::to_string(passage)?)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Why a turn could not be written to.
async fn not_being_written(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    turn: TurnId,
) -> Result<DbError, DbError> {
    let known = sqlx::query("SELECT id FROM turns WHERE workspace = $1 AND id = $2")
        .bind(workspace.to_string())
        .bind(turn.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(match known {
        Some(_) => DbError::Conflict("the turn is not an answer that is being written".to_owned()),
        None => DbError::NotFound("turn"),
    })
}
