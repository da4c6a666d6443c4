//! Creates, lists and deletes conversations.

use domain::{Conversation, ConversationId, WorkspaceId};
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::error::DbError;
use crate::{decode, encode};

macro_rules! columns {
    () => {
        "id, workspace, title, created_at, updated_at"
    };
}

impl Database {
    /// Creates a conversation without a title.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] for an unknown workspace.
    pub async fn create_conversation(&self, workspace: WorkspaceId) -> Result<Conversation, DbError> {
        let mut tx = self.write().await?;
        let row = sqlx::query(concat!(
            "INSERT INTO conversations (id, workspace, title, created_at, updated_at) VALUES ($1, $2, '', $3, $3) RETURNING ",
            columns!()
        ))
        .bind(ConversationId::new().to_string())
        .bind(workspace.to_string())
        .bind(encode::now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        decode_conversation(&row)
    }

    /// One conversation.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn conversation(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
    ) -> Result<Conversation, DbError> {
        let row = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM conversations WHERE workspace = $1 AND id = $2"
        ))
        .bind(workspace.to_string())
        .bind(id.to_string())
        .fetch_optional(&self.reads)
        .await?;
        decode_conversation(&row.ok_or(DbError::NotFound("conversation"))?)
    }

    /// At most `limit` conversations of the workspace, most recently updated first.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn conversations(
        &self,
        workspace: WorkspaceId,
        limit: u32,
    ) -> Result<Vec<Conversation>, DbError> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM conversations WHERE workspace = $1 ORDER BY updated_at DESC, id DESC LIMIT $2"
        ))
        .bind(workspace.to_string())
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_conversation)
        .collect()
    }

    /// Deletes a conversation with its turns, their passages and the feedback on them. Evaluation questions that were made
    /// from it stay.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn delete_conversation(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
    ) -> Result<(), DbError> {
        // `ON DELETE CASCADE` deletes the rows that refer to it.
        let delete = sqlx::query("DELETE FROM conversations WHERE workspace = $1 AND id = $2")
            .bind(workspace.to_string())
            .bind(id.to_string());
        self.change(delete, "conversation").await
    }
}

fn decode_conversation(row: &AnyRow) -> Result<Conversation, DbError> {
    Ok(Conversation {
        id: decode::id(row, "id")?,
        workspace: decode::id(row, "workspace")?,
        title: decode::text(row, "title")?,
        created_at: decode::time(row, "created_at")?,
        updated_at: decode::time(row, "updated_at")?,
    })
}
