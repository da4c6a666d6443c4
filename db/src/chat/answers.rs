//! Saves partial answers, finishes answers with their passages, and reads the passages back.
//!
//! An answer is `Writing` until it is finished, or interrupted because nobody writes it any more; after that it never
//! changes.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Citation, FinishReason, Language, Passage, Turn, TurnId, TurnState, Usage, WorkspaceId};
use sqlx::AnyConnection;

use crate::chat::turns::{decode_turn, turn_columns};
use crate::database::Database;
use crate::erasure::quotes::{Quotes, erase_late_quotes};
use crate::error::DbError;
use crate::stored_text::replace_nul;
use crate::{decode, encode};

/// A finished answer, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedAnswer {
    /// `Complete` or `Interrupted`.
    pub state: TurnState,
    /// The whole text, Markdown.
    pub content: String,
    /// Language of the text.
    pub language: Language,
    /// Whether it says that the documents do not contain the answer.
    pub abstained: bool,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Its citations, in order of first mention.
    pub citations: Vec<Citation>,
    /// The retrieved passages, best first, cited or not.
    pub passages: Vec<Passage>,
    /// Tokens used.
    pub usage: Usage,
    /// Milliseconds by step.
    pub timings_ms: BTreeMap<String, f64>,
}

impl Database {
    /// Saves the text of an answer so far, so that it survives the process.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such turn in the workspace, [`DbError::Conflict`] when it is not being
    /// written.
    pub async fn save_partial_answer(
        &self,
        workspace: WorkspaceId,
        turn: TurnId,
        content: &str,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        let saved = sqlx::query(
            "UPDATE turns SET content = $3, saved_at = $4 WHERE workspace = $1 AND id = $2 AND state = 'writing'",
        )
        .bind(workspace.to_string())
        .bind(turn.to_string())
        .bind(replace_nul(content).into_owned())
        .bind(encode::now_ms())
        .execute(&mut *tx)
        .await?;
        if saved.rows_affected() == 0 {
            return Err(not_being_written(&mut tx, workspace, turn).await?);
        }
        Ok(tx.commit().await?)
    }

    /// Finishes an answer with its citations and passages, in one transaction.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such turn in the workspace, [`DbError::Conflict`] when it is not being
    /// written, [`DbError::Rejected`] when `answer.state` is `Writing`.
    pub async fn finish_answer(
        &self,
        workspace: WorkspaceId,
        turn: TurnId,
        answer: FinishedAnswer,
    ) -> Result<Turn, DbError> {
        if answer.state == TurnState::Writing {
            return Err(DbError::Rejected("a finished answer cannot be in state `writing`".to_owned()));
        }
        let mut answer = answer;
        let mut tx = self.write().await?;
        let quotes = Quotes {
            passages: &mut answer.passages,
            citations: &mut answer.citations,
            content: &mut answer.content,
            finish_reason: answer.finish_reason,
        };
        erase_late_quotes(&mut tx, turn, quotes).await?;
        let Some(finished) = finish_turn(&mut tx, workspace, turn, &answer).await? else {
            return Err(not_being_written(&mut tx, workspace, turn).await?);
        };
        insert_passages(&mut tx, workspace, turn, &answer.passages).await?;
        sqlx::query("UPDATE conversations SET updated_at = $2 WHERE id = $1")
            .bind(finished.conversation.to_string())
            .bind(encode::now_ms())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(finished)
    }

    /// The passages that were retrieved for an answer, best first; none for a question.
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
        rows.iter().map(|row| decode::json(row, "passage")).collect()
    }

    /// Marks answers that a dead process was writing as interrupted, keeps their text, and returns their number. Call it
    /// at start, in the one process that answers.
    ///
    /// # Errors
    ///
    /// Connection errors only.
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

    /// Marks answers as interrupted that nobody has saved for `silence` and that are not among `live`, those that this
    /// process writes. Keeps their text, and returns their number.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn interrupt_abandoned_answers(
        &self,
        silence: Duration,
        live: &[TurnId],
    ) -> Result<u64, DbError> {
        let saved_before = encode::now_ms().saturating_sub(encode::integer(silence.as_millis()));
        let rows = sqlx::query("SELECT id FROM turns WHERE state = 'writing' AND saved_at < $1")
            .bind(saved_before)
            .fetch_all(&self.reads)
            .await?;
        let mut interrupted = 0;
        for row in &rows {
            let turn: TurnId = decode::id(row, "id")?;
            if live.contains(&turn) {
                continue;
            }
            let mut tx = self.write().await?;
            let marked = sqlx::query(
                "UPDATE turns SET state = 'interrupted', finish_reason = 'error' \
                 WHERE id = $1 AND state = 'writing' AND saved_at < $2",
            )
            .bind(turn.to_string())
            .bind(saved_before)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            interrupted += marked.rows_affected();
        }
        Ok(interrupted)
    }
}

/// Finishes the turn; `None` when it is not being written.
async fn finish_turn(
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
    .bind(encode::word(&answer.state)?)
    .bind(replace_nul(&answer.content).into_owned())
    .bind(encode::word(&answer.language)?)
    .bind(i64::from(answer.abstained))
    .bind(encode::word(&answer.finish_reason)?)
    .bind(serde_json::to_string(&answer.citations)?)
    .bind(encode::integer(answer.usage.prompt_tokens))
    .bind(encode::integer(answer.usage.cached_tokens))
    .bind(encode::integer(answer.usage.completion_tokens))
    .bind(serde_json::to_string(&answer.timings_ms)?)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(decode_turn).transpose()
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
        .bind(encode::integer(position))
        .bind(workspace.to_string())
        .bind(passage.chunk.document.to_string())
        .bind(serde_json::to_string(passage)?)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The reason why an update of a turn in state `Writing` found none.
async fn not_being_written(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    turn: TurnId,
) -> Result<DbError, DbError> {
    let existing = sqlx::query("SELECT id FROM turns WHERE workspace = $1 AND id = $2")
        .bind(workspace.to_string())
        .bind(turn.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(match existing {
        Some(_) => DbError::Conflict("the turn is not an answer in progress".to_owned()),
        None => DbError::NotFound("turn"),
    })
}
