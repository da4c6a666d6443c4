//! Stores questions together with the beginnings of their answers, and reads turns. `answers.rs` continues and finishes
//! answers.
//!
//! Positions have no gaps and roles alternate, also with concurrent writers: a question takes an even position, its answer
//! the next one. Every question has an answer, which names it, because one transaction stores both. At most one answer of a
//! conversation is being written.

use domain::{ConversationId, Language, Role, Turn, TurnId, TurnState, WorkspaceId};
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
        "id, conversation, position, role, question, state, content, language, abstained, finish_reason, citations, created_at"
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

    /// Stores a question and begins its answer, empty and in state `Writing`, in one transaction. The first question
    /// becomes the conversation's title. Stores nothing while another answer of the conversation is being written.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such conversation in the workspace.
    pub async fn begin_exchange(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        question: &str,
        language: Language,
    ) -> Result<BegunExchange, DbError> {
        let content = replace_nul(question);
        let mut tx = self.write().await?;
        let end = lock_conversation(&mut tx, workspace, conversation).await?;
        // Dropping the transaction undoes the new date.
        if end.has_unfinished_answer {
            return Ok(BegunExchange::Busy);
        }
        sqlx::query("UPDATE conversations SET title = $2 WHERE id = $1 AND title = ''")
            .bind(conversation.to_string())
            .bind(title_of(&content))
            .execute(&mut *tx)
            .await?;
        let question = insert_turn(&mut tx, &end, &NewTurn::question(&content, language)).await?;
        let answer = insert_turn(&mut tx, &end, &NewTurn::answer(question.id, language)).await?;
        tx.commit().await?;
        Ok(BegunExchange::Begun { question: Box::new(question), answer: Box::new(answer) })
    }
}

/// The outcome of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum BegunExchange {
    /// It is stored, and its answer is begun.
    Begun {
        /// The question.
        question: Box<Turn>,
        /// Its answer, empty.
        answer: Box<Turn>,
    },
    /// Another answer of the conversation is being written; nothing was stored.
    Busy,
}

/// The end of a conversation, locked until the transaction ends.
struct End {
    workspace: WorkspaceId,
    conversation: ConversationId,
    /// Position of the next question.
    position: u32,
    has_unfinished_answer: bool,
}

struct NewTurn<'a> {
    role: Role,
    /// The question that it answers.
    question: Option<TurnId>,
    state: TurnState,
    content: &'a str,
    language: Language,
}

impl<'a> NewTurn<'a> {
    fn question(content: &'a str, language: Language) -> Self {
        Self { role: Role::User, question: None, state: TurnState::Complete, content, language }
    }

    fn answer(question: TurnId, language: Language) -> Self {
        Self {
            role: Role::Assistant,
            question: Some(question),
            state: TurnState::Writing,
            content: "",
            language,
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
    let row = sqlx::query(
        "SELECT COALESCE(MAX(position), -1) + 1 AS next, \
         COALESCE(SUM(CASE state WHEN 'writing' THEN 1 ELSE 0 END), 0) AS unfinished FROM turns WHERE conversation = $1",
    )
    .bind(conversation.to_string())
    .fetch_one(connection)
    .await?;
    let unfinished: u32 = decode::number(&row, "unfinished")?;
    let position = decode::number(&row, "next")?;
    Ok(End { workspace, conversation, position, has_unfinished_answer: unfinished > 0 })
}

async fn insert_turn(connection: &mut AnyConnection, end: &End, turn: &NewTurn<'_>) -> Result<Turn, DbError> {
    let now = encode::now_ms();
    let is_answer = turn.question.is_some();
    let row = sqlx::query(concat!(
        "INSERT INTO turns (id, workspace, conversation, position, role, question, state, content, language, ",
        "created_at, saved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING ", turn_columns!()
    ))
    .bind(TurnId::new().to_string())
    .bind(end.workspace.to_string())
    .bind(end.conversation.to_string())
    .bind(encode::integer(end.position + u32::from(is_answer)))
    .bind(encode::word(&turn.role)?)
    .bind(turn.question.map(|question| question.to_string()))
    .bind(encode::word(&turn.state)?)
    .bind(turn.content)
    .bind(encode::word(&turn.language)?)
    .bind(now)
    .bind(is_answer.then_some(now))
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
        question: decode::optional_id(row, "question")?,
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
