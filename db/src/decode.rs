//! Decodes column values as Rust values. A value that does not fit its column's type is an error, never a panic.

use std::str::FromStr;

use domain::Cause;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as WordError, StrDeserializer};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::DbError;

fn damaged(column: &str, why: impl Into<Cause>) -> DbError {
    DbError::Failed(Cause::with_context(format!("a stored row is damaged: column `{column}`"), why))
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
pub(crate) fn id<T: FromStr<Err: Into<Cause>>>(row: &AnyRow, column: &str) -> Result<T, DbError> {
    text(row, column)?.parse().map_err(|error| damaged(column, error))
}

/// An id that may be absent.
pub(crate) fn optional_id<T: FromStr<Err: Into<Cause>>>(
    row: &AnyRow,
    column: &str,
) -> Result<Option<T>, DbError> {
    optional_text(row, column)?.map(|text| text.parse().map_err(|error| damaged(column, error))).transpose()
}

/// A value of a closed set; the inverse of [`encode::word`](crate::encode::word).
pub(crate) fn word<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, DbError> {
    from_word(column, &text(row, column)?)
}

/// A value of a closed set that may be absent.
pub(crate) fn optional_word<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Option<T>, DbError> {
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
pub(crate) fn number<T: TryFrom<i64, Error: Into<Cause>>>(row: &AnyRow, column: &str) -> Result<T, DbError> {
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

#[cfg(test)]
mod tests {
    use domain::{FinishReason, Language, TurnState, VersionId};
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
            id::<VersionId>(&row, "id").err(),
            optional_id::<VersionId>(&row, "id").err(),
            number::<u32>(&row, "number").err(),
            number::<u32>(&row, "huge").err(),
            flag(&row, "flag").err(),
            json::<Vec<u32>>(&row, "json").err(),
            word::<TurnState>(&row, "state").err(),
            word::<Language>(&row, "state").err(),
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
            let why = why.to_string();
            assert!(why.starts_with("a stored row is damaged: ") && why.contains(column), "{why}");
        }
        assert_eq!(optional_id::<VersionId>(&row, "absent"), Ok(None));
        assert_eq!(optional_word::<FinishReason>(&row, "absent"), Ok(None));
    }

    #[tokio::test]
    async fn a_word_reads_back_as_what_it_stands_for() {
        let row = row("SELECT 'interrupted' AS state, 'ko' AS language").await;
        assert_eq!(word(&row, "state"), Ok(TurnState::Interrupted));
        assert_eq!(word(&row, "language"), Ok(Language::KOREAN));
    }
}
