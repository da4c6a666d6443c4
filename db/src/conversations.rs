//! Conversations: begun, listed, deleted. Their turns are in `turns.rs`.

use domain::{Conversation, ConversationId, WorkspaceId};

use crate::rows::{self, count, now_ms};
use crate::{Database, DbError};

macro_rules! columns {
    () => {
        "id, workspace, title, created_at, updated_at"
    };
}

impl Database {
    /// Begins a conversation, without a title.
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
        .bind(now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        rows::conversation(&row)
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
        rows::conversation(&row.ok_or(DbError::NotFound("conversation"))?)
    }

    /// At most `limit` conversations of the workspace, the one with the newest turn first.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
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
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(rows::conversation)
        .collect()
    }

    /// Deletes a conversation with its turns, their passages and the feedback on them. Nothing of it remains, save the
    /// questions of it that somebody put into an evaluation set.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn delete_conversation(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
    ) -> Result<(), DbError> {
        // The rows that refer to it go by ON DELETE CASCADE.
        let delete = sqlx::query("DELETE FROM conversations WHERE workspace = $1 AND id = $2")
            .bind(workspace.to_string())
            .bind(id.to_string());
        self.change(delete, "conversation").await
    }
}
