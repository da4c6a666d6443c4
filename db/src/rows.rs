//! Columns to domain values and back. A row that does not hold what its column promises is an error, never a panic.

use std::fmt::Display;
use std::str::FromStr;

use domain::{Collection, Conversation, Document, Language, Turn, Version, VersionId};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as WordError, StrDeserializer};
use sqlx::Row as _;
use sqlx::any::{AnyQueryResult, AnyRow};

use crate::DbError;

/// That a statement found what it was to change.
pub(crate) fn expect_touched(result: &AnyQueryResult, what: &'static str) -> Result<(), DbError> {
    if result.rows_affected() == 0 { Err(DbError::NotFound(what)) } else { Ok(()) }
}

/// The present as stored: milliseconds since the epoch, UTC.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A value of a closed set (a state, a role, a language) as the word that stands for it in a column. The words are
/// those of the value's JSON form, so that SQL and API never disagree.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String, DbError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(DbError::Failed(format!("{other} is not a single word"))),
    }
}

/// A number too large for the column is stored as the largest one, which reads back as too large as well.
pub(crate) fn count(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

fn damaged(column: &str, why: impl Display) -> DbError {
    DbError::Failed(format!("a stored row is damaged: column {column}: {why}"))
}

pub(crate) fn text(row: &AnyRow, column: &str) -> Result<String, DbError> {
    row.try_get::<String, _>(column).map_err(|error| damaged(column, error))
}

pub(crate) fn optional_text(row: &AnyRow, column: &str) -> Result<Option<String>, DbError> {
    row.try_get::<Option<String>, _>(column).map_err(|error| damaged(column, error))
}

/// A number with a fraction that may be absent.
pub(crate) fn optional_real(row: &AnyRow, column: &str) -> Result<Option<f64>, DbError> {
    row.try_get::<Option<f64>, _>(column).map_err(|error| damaged(column, error))
}

/// An id.
pub(crate) fn parsed<T: FromStr<Err: Display>>(row: &AnyRow, column: &str) -> Result<T, DbError> {
    text(row, column)?.parse().map_err(|error| damaged(column, error))
}

/// An id that may be absent.
pub(crate) fn optional<T: FromStr<Err: Display>>(row: &AnyRow, column: &str) -> Result<Option<T>, DbError> {
    optional_text(row, column)?.map(|text| text.parse().map_err(|error| damaged(column, error))).transpose()
}

/// A value of a closed set; the inverse of [`word`].
pub(crate) fn worded<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, DbError> {
    from_word(column, &text(row, column)?)
}

/// A value of a closed set that may be absent.
pub(crate) fn optional_worded<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Option<T>, DbError> {
    optional_text(row, column)?.map(|text| from_word(column, &text)).transpose()
}

fn from_word<T: DeserializeOwned>(column: &str, word: &str) -> Result<T, DbError> {
    T::deserialize(StrDeserializer::<WordError>::new(word)).map_err(|error| damaged(column, error))
}

/// A structured value.
pub(crate) fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, DbError> {
    from_json(column, &text(row, column)?)
}

/// A structured value that may be absent.
pub(crate) fn optional_json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Option<T>, DbError> {
    optional_text(row, column)?.map(|text| from_json(column, &text)).transpose()
}

fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| damaged(column, error))
}

fn integer(row: &AnyRow, column: &str) -> Result<i64, DbError> {
    row.try_get::<i64, _>(column).map_err(|error| damaged(column, error))
}

/// A count or a number that is never negative.
pub(crate) fn number<T: TryFrom<i64, Error: Display>>(row: &AnyRow, column: &str) -> Result<T, DbError> {
    integer(row, column)?.try_into().map_err(|error| damaged(column, error))
}

pub(crate) fn flag(row: &AnyRow, column: &str) -> Result<bool, DbError> {
    match integer(row, column)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(damaged(column, format!("{other} is neither 0 nor 1"))),
    }
}

pub(crate) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, DbError> {
    from_ms(column, integer(row, column)?)
}

/// A time that may be absent.
pub(crate) fn optional_time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, DbError> {
    let ms = row.try_get::<Option<i64>, _>(column).map_err(|error| damaged(column, error))?;
    ms.map(|ms| from_ms(column, ms)).transpose()
}

fn from_ms(column: &str, ms: i64) -> Result<Timestamp, DbError> {
    Timestamp::from_millisecond(ms).map_err(|error| damaged(column, error))
}

pub(crate) fn collection(row: &AnyRow) -> Result<Collection, DbError> {
    Ok(Collection {
        id: parsed(row, "id")?,
        workspace: parsed(row, "workspace")?,
        name: text(row, "name")?,
        visibility: worded(row, "visibility")?,
        evidence_threshold: optional_real(row, "evidence_threshold")?,
        created_at: time(row, "created_at")?,
    })
}

/// A document joined with its live version, whose columns are null while there is none.
pub(crate) fn document(row: &AnyRow) -> Result<Document, DbError> {
    let live_version: Option<VersionId> = optional(row, "live_version")?;
    let source = text(row, "source")?;
    let live = live_version.is_some();
    let created_at = time(row, "created_at")?;
    Ok(Document {
        id: parsed(row, "id")?,
        workspace: parsed(row, "workspace")?,
        collection: parsed(row, "collection")?,
        title: if live { text(row, "title")? } else { source.clone() },
        source,
        live_version,
        version_number: if live { number(row, "number")? } else { 0 },
        chunk_count: if live { number(row, "chunk_count")? } else { 0 },
        language: if live { worded(row, "language")? } else { Language::UNKNOWN },
        tags: if live { json(row, "tags")? } else { Vec::new() },
        dated_at: if live { time(row, "dated_at")? } else { created_at },
        content_hash: if live { text(row, "content_hash")? } else { String::new() },
        created_at,
        updated_at: time(row, "updated_at")?,
    })
}

pub(crate) fn version(row: &AnyRow) -> Result<Version, DbError> {
    Ok(Version {
        id: parsed(row, "id")?,
        document: parsed(row, "document")?,
        number: number(row, "number")?,
        title: text(row, "title")?,
        content_hash: text(row, "content_hash")?,
        tags: json(row, "tags")?,
        dated_at: time(row, "dated_at")?,
        state: worded(row, "state")?,
        text: text(row, "text")?,
        page_starts: json(row, "page_starts")?,
    })
}

pub(crate) fn conversation(row: &AnyRow) -> Result<Conversation, DbError> {
    Ok(Conversation {
        id: parsed(row, "id")?,
        workspace: parsed(row, "workspace")?,
        title: text(row, "title")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

pub(crate) fn turn(row: &AnyRow) -> Result<Turn, DbError> {
    Ok(Turn {
        id: parsed(row, "id")?,
        conversation: parsed(row, "conversation")?,
        position: number(row, "position")?,
        role: worded(row, "role")?,
        state: worded(row, "state")?,
        content: text(row, "content")?,
        language: worded(row, "language")?,
        abstained: flag(row, "abstained")?,
        finish_reason: optional_worded(row, "finish_reason")?,
        citations: json(row, "citations")?,
        created_at: time(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use domain::{FinishReason, TurnState};
    use sqlx::{AnyConnection, Connection as _};

    use super::*;

    /// One row made of constants.
    async fn row(sql: &'static str) -> AnyRow {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect("sqlite::memory:").await.expect("a database in memory");
        sqlx::query(sql).fetch_one(&mut connection).await.expect("one row")
    }

    #[tokio::test]
    async fn a_damaged_column_is_an_error_that_names_it() {
        let row = row("SELECT 'no id' AS id, -1 AS number, 2 AS flag, '{' AS json, 'forgotten' AS state, \
                       NULL AS absent, 9223372036854775807 AS huge, x'ff' AS bytes")
        .await;
        let failures = [
            parsed::<VersionId>(&row, "id").err(),
            optional::<VersionId>(&row, "id").err(),
            number::<u32>(&row, "number").err(),
            number::<u32>(&row, "huge").err(),
            flag(&row, "flag").err(),
            json::<Vec<u32>>(&row, "json").err(),
            worded::<TurnState>(&row, "state").err(),
            worded::<Language>(&row, "state").err(),
            text(&row, "absent").err(),
            text(&row, "bytes").err(),
            text(&row, "number").err(),
            number::<u32>(&row, "id").err(),
            time(&row, "huge").err(),
            text(&row, "missing").err(),
        ];
        let columns = [
            "id", "id", "number", "huge", "flag", "json", "state", "state", "absent", "bytes", "number",
            "id", "huge", "missing",
        ];
        for (failure, column) in failures.into_iter().zip(columns) {
            let Some(DbError::Failed(why)) = failure else { panic!("{column} is damaged, yet it was read") };
            assert!(why.starts_with("a stored row is damaged: ") && why.contains(column), "{why}");
        }
        assert_eq!(optional::<VersionId>(&row, "absent"), Ok(None));
        assert_eq!(optional_worded::<FinishReason>(&row, "absent"), Ok(None));
    }

    #[tokio::test]
    async fn a_word_reads_back_as_what_it_stands_for() {
        assert_eq!(word(&TurnState::Interrupted).as_deref(), Ok("interrupted"));
        assert_eq!(word(&Language::KOREAN).as_deref(), Ok("ko"));
        assert!(word(&7).is_err(), "a number is no word");
        let row = row("SELECT 'interrupted' AS state, 'ko' AS language").await;
        assert_eq!(worded(&row, "state"), Ok(TurnState::Interrupted));
        assert_eq!(worded(&row, "language"), Ok(Language::KOREAN));
    }

    #[test]
    fn a_count_never_wraps() {
        assert_eq!(count(7_u32), 7);
        assert_eq!(count(u64::MAX), i64::MAX);
    }
}
