//! Turns: questions asked, answers begun, both read back. How answers go on and end is in `answers.rs`.
//!
//! Positions have no gaps and roles alternate, whoever writes at the same time: a question takes an even position, an
//! answer an odd one. A question whose answer was never begun (the process died between the two) gets an empty,
//! interrupted one when the next question comes.

use domain::{ConversationId, FinishReason, Language, Role, Turn, TurnId, TurnState, WorkspaceId};
use sqlx::AnyConnection;

use crate::rows::{self, count, expect_touched, now_ms, word};
use crate::text::replace_nul;
use crate::{Database, DbError};

/// Characters of the first question that become the conversation's title.
const TITLE_CHARS: usize = 80;

/// Columns of a turn, in the order of [`domain::Turn`].
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
        rows.iter().map(rows::turn).collect()
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
        rows::turn(&row.ok_or(DbError::NotFound("turn"))?)
    }

    /// Stores a question. The first one gives the conversation its title.
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
        let mut at = lock_conversation(&mut tx, workspace, conversation).await?;
        if at.next_is_answer() {
            insert_turn(&mut tx, &at, &NewTurn::missing_answer(language)).await?;
            at.position += 1;
        }
        sqlx::query("UPDATE conversations SET title = $2 WHERE id = $1 AND title = ''")
            .bind(conversation.to_string())
            .bind(title_of(&content))
            .execute(&mut *tx)
            .await?;
        let turn = insert_turn(&mut tx, &at, &NewTurn::question(&content, language)).await?;
        tx.commit().await?;
        Ok(turn)
    }

    /// Begins the answer to the last question: empty, in the state `Writing`.
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
        let at = lock_conversation(&mut tx, workspace, conversation).await?;
        if !at.next_is_answer() {
            return Err(DbError::Conflict(
                "the conversation has no question that waits for an answer".to_owned(),
            ));
        }
        let turn = insert_turn(&mut tx, &at, &NewTurn::answer(language)).await?;
        tx.commit().await?;
        Ok(turn)
    }
}

/// The end of a conversation, held until the transaction ends.
struct End {
    workspace: WorkspaceId,
    conversation: ConversationId,
    /// Of the next turn.
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

/// Finds the end of the conversation, dates it, and keeps others from adding to it.
async fn lock_conversation(
    connection: &mut AnyConnection,
    workspace: WorkspaceId,
    conversation: ConversationId,
) -> Result<End, DbError> {
    let locked = sqlx::query("UPDATE conversations SET updated_at = $3 WHERE workspace = $1 AND id = $2")
        .bind(workspace.to_string())
        .bind(conversation.to_string())
        .bind(now_ms())
        .execute(&mut *connection)
        .await?;
    expect_touched(&locked, "conversation")?;
    let row =
        sqlx::query("SELECT COALESCE(MAX(position), -1) + 1 AS next FROM turns WHERE conversation = $1")
            .bind(conversation.to_string())
            .fetch_one(connection)
            .await?;
    Ok(End { workspace, conversation, position: rows::number(&row, "next")? })
}

async fn insert_turn(connection: &mut AnyConnection, at: &End, turn: &NewTurn<'_>) -> Result<Turn, DbError> {
    let finish_reason = turn.finish_reason.as_ref().map(word).transpose()?;
    let row = sqlx::query(concat!(
        "INSERT INTO turns (id, workspace, conversation, position, role, state, content, language, finish_reason, ",
        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ", turn_columns!()
    ))
    .bind(TurnId::new().to_string())
    .bind(at.workspace.to_string())
    .bind(at.conversation.to_string())
    .bind(count(at.position))
    .bind(word(&turn.role)?)
    .bind(word(&turn.state)?)
    .bind(turn.content)
    .bind(word(&turn.language)?)
    .bind(finish_reason)
    .bind(now_ms())
    .fetch_one(connection)
    .await?;
    rows::turn(&row)
}

/// The beginning of a question on one line.
fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(TITLE_CHARS).collect()
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
