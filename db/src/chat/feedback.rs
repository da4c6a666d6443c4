//! Stores and reads people's feedback on answers.

use domain::{TurnId, WorkspaceId};
use jiff::Timestamp;

use crate::database::Database;
use crate::error::DbError;
use crate::stored_text::replace_nul;
use crate::{decode, encode};

/// Feedback on an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Whether it helped.
    pub helpful: bool,
    /// A comment; may be empty.
    pub comment: String,
    /// When it was given last.
    pub created_at: Timestamp,
}

impl Database {
    /// Stores feedback on an answer, replacing earlier feedback on it.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such answer in the workspace.
    pub async fn save_feedback(
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
        .bind(encode::now_ms())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// The feedback on an answer, if there is any.
    ///
    /// # Errors
    ///
    /// Connection errors only.
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
                helpful: decode::flag(&row, "helpful")?,
                comment: decode::text(&row, "comment")?,
                created_at: decode::time(&row, "created_at")?,
            })
        })
        .transpose()
    }
}
