//! Maps driver errors to variants named by what the caller can do about them.

use domain::{Cause, with_causes};
use sqlx::error::ErrorKind;

/// Why a database call failed.
///
/// The driver's error is the source: [`with_causes`] adds it to messages that are stored with jobs and shown to people.
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
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// It returned something other than what was asked for, or a stored row is damaged.
    #[error("the database failed")]
    Failed(#[source] Cause),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(reported) => match reported.kind() {
                ErrorKind::UniqueViolation => {
                    log_violation(&error);
                    Self::Conflict("this is stored already, perhaps by another request".to_owned())
                }
                ErrorKind::ForeignKeyViolation => Self::NotFound("row that this refers to"),
                ErrorKind::CheckViolation | ErrorKind::NotNullViolation => {
                    log_violation(&error);
                    Self::Rejected("the database does not accept this value".to_owned())
                }
                _ if reported.code().is_some_and(|code| is_transient(&code)) => {
                    Self::Unavailable(error.into())
                }
                _ => Self::Failed(error.into()),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.into()),
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for DbError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(version) => {
                let context = format!(
                    "the database was made by a newer daedap (this one does not have migration {version}); \
                     install that version or restore an older backup"
                );
                Self::Failed(context.into())
            }
            error => Self::Failed(Cause::with_context("cannot migrate the database", error)),
        }
    }
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(Cause::with_context("cannot encode a value as JSON", error))
    }
}

/// Logs which constraint was violated: the driver's text is not for the person who reads the error.
fn log_violation(error: &sqlx::Error) {
    tracing::warn!(error = with_causes(error), "a constraint of the database was violated");
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
    use std::error::Error as _;

    use sqlx::{AnyConnection, Connection as _};

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
        let message = message.to_string();
        assert!(message.contains("newer daedap") && message.contains('7'), "{message}");
    }

    #[tokio::test]
    async fn the_error_of_the_driver_is_the_source() {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect("sqlite::memory:").await.expect("a database in memory");
        let refused = sqlx::query("SELECT 1 FROM nowhere").execute(&mut connection).await;
        let error = DbError::from(refused.expect_err("there is no such table"));
        assert!(matches!(error, DbError::Failed(_)), "{error:?}");
        assert_eq!(error.to_string(), "the database failed");
        let text = with_causes(&error);
        assert!(
            text.starts_with("the database failed: ") && text.ends_with("no such table: nowhere"),
            "{text}"
        );
        assert_eq!(text.matches("no such table").count(), 1, "{text}");
        let source = error.source().and_then(|source| source.downcast_ref::<sqlx::Error>());
        assert!(matches!(source, Some(sqlx::Error::Database(_))), "{source:?}");
    }

    #[tokio::test]
    async fn violated_constraints_are_told_in_sentences() {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect("sqlite::memory:").await.expect("a database in memory");
        let steps =
            "CREATE TABLE one (id INTEGER NOT NULL UNIQUE CHECK (id > 0)); INSERT INTO one VALUES (1)";
        sqlx::raw_sql(steps).execute(&mut connection).await.expect("created");
        for (insert, expected) in [
            (
                "INSERT INTO one VALUES (1)",
                DbError::Conflict("this is stored already, perhaps by another request".to_owned()),
            ),
            (
                "INSERT INTO one VALUES (0)",
                DbError::Rejected("the database does not accept this value".to_owned()),
            ),
            (
                "INSERT INTO one VALUES (NULL)",
                DbError::Rejected("the database does not accept this value".to_owned()),
            ),
        ] {
            let refused = sqlx::query(insert).execute(&mut connection).await.expect_err(insert);
            assert_eq!(DbError::from(refused), expected, "{insert}");
        }
    }
}
