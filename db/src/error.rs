//! Maps driver errors to variants named by what the caller can do about them.

use sqlx::error::ErrorKind;

/// Why a database call failed.
///
/// The text of the driver's error is part of the message, because messages are stored with jobs and shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// It does not exist in this workspace. The word says what: `"document"`, `"conversation"`.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Its current state does not allow this. Reading it again shows why.
    #[error("{0}")]
    Conflict(String),
    /// The value itself cannot be stored. Retrying does not help; another value does.
    #[error("{0}")]
    Rejected(String),
    /// The database cannot be reached or is overloaded. Retrying later may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// It returned something other than what was asked for, or a stored row is damaged.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(reported) => match reported.kind() {
                ErrorKind::UniqueViolation => Self::Conflict(error.to_string()),
                ErrorKind::ForeignKeyViolation => Self::NotFound("row that this refers to"),
                ErrorKind::CheckViolation | ErrorKind::NotNullViolation => Self::Rejected(error.to_string()),
                _ if reported.code().is_some_and(|code| is_transient(&code)) => {
                    Self::Unavailable(error.to_string())
                }
                _ => Self::Failed(error.to_string()),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for DbError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(version) => Self::Failed(format!(
                "the database was made by a newer daedap (this one does not have migration {version}); \
                 install that version or restore an older backup"
            )),
            error => Self::Failed(format!("cannot migrate the database: {error}")),
        }
    }
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(format!("cannot encode a value as JSON: {error}"))
    }
}

/// Whether a condition with this error code goes away by itself.
///
/// PostgreSQL's codes have five characters (<https://www.postgresql.org/docs/current/errcodes-appendix.html>):
/// 08 connection lost, 40001 and 40P01 another transaction won, 53 out of resources, 55P03 lock timeout,
/// 57P shutting down or starting. SQLite's are decimal numbers whose low byte is the primary code
/// (<https://www.sqlite.org/rescode.html>): 5 BUSY, 6 LOCKED, 13 FULL.
fn is_transient(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
            || ["40001", "40P01", "55P03"].contains(&code);
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 13))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transient_conditions_are_worth_a_retry() {
        for code in ["57P03", "53300", "08006", "40P01", "5", "517", "13"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["42601", "22021", "28P01", "1", "11", "26", "787", ""] {
            assert!(!is_transient(code), "{code}");
        }
    }

    #[test]
    fn a_newer_database_names_the_way_out() {
        let DbError::Failed(message) = DbError::from(sqlx::migrate::MigrateError::VersionMissing(7)) else {
            panic!("a newer database is a failure");
        };
        assert!(message.contains("newer daedap") && message.contains('7'), "{message}");
    }
}
