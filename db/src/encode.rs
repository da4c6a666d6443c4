//! Encodes Rust values as column values.

use jiff::Timestamp;
use serde::Serialize;

use crate::error::DbError;

/// The current time as stored: milliseconds since the epoch, UTC.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Encodes a value of a closed set (a state, a role, a language) as its word. The words are those of the value's JSON
/// form, so that SQL and API never disagree.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String, DbError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(DbError::Failed(format!("`{other}` is not a single word").into())),
    }
}

/// Encodes a number. One too large for the column becomes the largest one, which is too large when decoded as well.
pub(crate) fn integer(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use domain::{Language, TurnState};

    use super::*;

    #[test]
    fn a_closed_set_is_stored_as_words() {
        assert_eq!(word(&TurnState::Interrupted).as_deref(), Ok("interrupted"));
        assert_eq!(word(&Language::KOREAN).as_deref(), Ok("ko"));
        assert!(word(&7).is_err(), "a number is no word");
    }

    #[test]
    fn a_count_never_wraps() {
        assert_eq!(integer(7_u32), 7);
        assert_eq!(integer(u64::MAX), i64::MAX);
    }
}
