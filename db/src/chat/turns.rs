//! Adds questions, begins answers, and reads turns. `answers.rs` continues and finishes answers.
//!
//! Positions have no gaps and roles alternate, also with concurrent writers: a question takes an even position, an
//! answer an odd one. A question whose answer was never begun (the process died between the two) gets an empty,
//! interrupted one when the next question is added.

use domain::{ConversationId, FinishReason, Language, Role, Turn, TurnId, TurnState, WorkspaceId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::{Database, require_affected};
use crate::error::DbError;
use crate::stored_text::replace_nul;
use crate::{decode, encode};

/// Maximum number of characters of a title, which is the beginning of the first question.
const MAX_TITLE_CHARACTERS: usize = 80;

/// Columns of a turn, for [`decode_turn`].
macro_rules! turn_columns {
    () => {
        "id, conversation, position, role, state, content, language, abstained, finish_reason, citations, created_at"
    };
}
pub(crate) use turn_columns;

impl Database {
    /// All turns of a conversation in order.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such conversation in the workspace.
    pub async fn turns(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
    ) -> Result<Vec<Turn>, DbError> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            turn_columns!(),
            " FROM turns WHERE workspace = $1 AND conversation = $2 ORDER BY position"
        ))
        .bind(workspace.to_string())
        .bind(conversation.to_string())
        .fetch_all(&self.reads)
        .await?;
        if rows.is_empty() {
            self.conversation(workspace, conversation).await?;
        }
        rows.iter().map(decode_turn).collect()
    }

    /// One turn.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn turn(&self, workspace: WorkspaceId, id: TurnId) -> Result<Turn, DbError> {
        let row =
            sqlx::query(concat!("SELECT ", turn_columns!(), " FROM turns WHERE workspace = $1 AND id = $2"))
                .bind(workspace.to_string())
                .bind(id.to_string())
                .fetch_optional(&self.reads)
                .await?;
        decode_turn(&row.ok_or(DbError::NotFound("turn"))?)
    }

    /// Adds a question. The first one becomes the conversation's title.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such conversation in the workspace.
    pub async fn add_question(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        content: &str,
        language: Language,
    ) -> Result<Turn, DbError> {
        let content = replace_nul(content);
        let mut tx = self.write().await?;
        let mut end = lock_conversation(&mut tx, workspace, conversation).await?;
        if end.next_is_answer() {
            insert_turn(&mut tx, &end, &NewTurn::missing_answer(language)).await?;
            end.position += 1;
        }
        sqlx::query("UPDATE conversations SET title = $2 WHERE id = $1 AND title = ''")
            .bind(conversation.to_string())
            .bind(title_of(&content))
            .execute(&mut *tx)
            .await?;
        let turn = insert_turn(&mut tx, &end, &NewTurn::question(&content, language)).await?;
        tx.commit().await?;
        Ok(turn)
    }

    /// Begins the answer to the last question: empty, in state `Writing`.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such conversation in the workspace, [`DbError::Conflict`] when its last
    /// turn is not a question.
    pub async fn begin_answer(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        language: Language,
    ) -> Result<Turn, DbError> {
        let mut tx = self.write().await?;
        let end = lock_conversation(&mut tx, workspace, conversation).await?;
        if !end.next_is_answer() {
            return Err(DbError::Conflict("the conversation has no unanswered question".to_owned()));
        }
        let turn = insert_turn(&mut tx, &end, &NewTurn::answer(language)).await?;
        tx.commit().await?;
        Ok(turn)
    }
}

/// The end of a conversation, locked until the transaction ends.
struct End {
    workspace: WorkspaceId,
    conversation: ConversationId,
    /// Position of the next turn.
    position: u32,
}

impl End {
    fn next_is_answer(&self) -> bool {
        self.position % 2 == 1
    }
}

struct NewTurn<'a> {
    role: Role,
    state: TurnState,
    content: &'a str,
    language: Language,
    finish_reason: Option<FinishReason>,
}

impl<'a> NewTurn<'a> {
    fn question(content: &'a str, language: Language) -> Self {
        Self { role: Role::User, state: TurnState::Complete, content, language, finish_reason: None }
    }

    fn answer(language: Language) -> Self {
        Self { role: Role::Assistant, state: TurnState::Writing, content: "", language, finish_reason: None }
    }

    fn missing_answer(language: Language) -> Self {
        Self {
            state: TurnState::Interrupted,
            finish_reason: Some(FinishReason::Error),
            ..Self::answer(language)
        }
    }
}

/// Locks and dates the conversation, and finds its end.
async fn lock_conversation(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    conversation: ConversationId,
) -> Result<End, DbError> {
    let locked = sqlx::query("UPDATE conversations SET updated_at = $3 WHERE workspace = $1 AND id = $2")
        .bind(workspace.to_string())
        .bind(conversation.to_string())
        .bind(encode::now_ms())
        .execute(&mut *connection)
        .await?;
    require_affected(&locked, "conversation")?;
    let row =
        sqlx::query("SELECT COALESCE(MAX(position), -1) + 1 AS next FROM turns WHERE conversation = $1")
            .bind(conversation.to_string())
            .fetch_one(connection)
            .await?;
    Ok(End { workspace, conversation, position: decode::number(&row, "next")? })
}

async fn insert_turn(connection: &mut AnyConnection, end: &End, turn: &NewTurn<'_>) -> Result<Turn, DbError> {
    let finish_reason = turn.finish_reason.as_ref().map(encode::word).transpose()?;
    let row = sqlx::query(concat!(
        "INSERT INTO turns (id, workspace, conversation, position, role, state, content, language, finish_reason, ",
        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ", turn_columns!()
    ))
    .bind(TurnId::new().to_string())
    .bind(end.workspace.to_string())
    .bind(end.conversation.to_string())
    .bind(encode::integer(end.position))
    .bind(encode::word(&turn.role)?)
    .bind(encode::word(&turn.state)?)
    .bind(turn.content)
    .bind(encode::word(&turn.language)?)
    .bind(finish_reason)
    .bind(encode::now_ms())
    .fetch_one(connection)
    .await?;
    decode_turn(&row)
}

/// The beginning of a question, on one line.
fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_TITLE_CHARACTERS).collect()
}

pub(crate) fn decode_turn(row: &AnyRow) -> Result<Turn, DbError> {
    Ok(Turn {
        id: decode::id(row, "id")?,
        conversation: decode::id(row, "conversation")?,
        position: decode::number(row, "position")?,
        role: decode::word(row, "role")?,
        state: decode::word(row, "state")?,
        content: decode::text(row, "content")?,
        language: decode::word(row, "language")?,
        abstained: decode::flag(row, "abstained")?,
        finish_reason: decode::optional_word(row, "finish_reason")?,
        citations: decode::json(row, "citations")?,
        created_at: decode::time(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_at_most_80_characters() {
        assert_eq!(title_of("  연차는\n며칠\t인가요? "), "연차는 며칠 인가요?");
        assert_eq!(title_of(&"가".repeat(100)).chars().count(), 80);
        assert_eq!(title_of(" \n"), "");
    }
}
