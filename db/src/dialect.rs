//! Tells the two SQL dialects apart and holds the statements that differ between them.

use crate::error::DbError;

/// The SQL dialect of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The dialect of the database at `url`, by the URL's scheme.
    pub(crate) fn of(url: &str) -> Result<Self, DbError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            // The URL itself stays out of the message: it may hold a password.
            _ => Err(DbError::Rejected("a database URL begins with `sqlite://` or `postgres://`".to_owned())),
        }
    }

    /// Begins a transaction that may write.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            // Takes the write lock at once. A transaction that begins as a reader and writes later fails with
            // `SQLITE_BUSY` when somebody else wrote in between, and no timeout helps.
            Self::Sqlite => "BEGIN IMMEDIATE",
            // Each statement sees what was committed before it; rows that must not change are locked by writing to them.
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// Begins a transaction all of whose statements see the state that the first one sees.
    pub(crate) fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Selects `name` and `type` of the columns of the table `$1`, in order.
    pub(crate) fn select_columns(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
            // The driver for both dialects does not read the catalog's own types.
            Self::Postgres => {
                "SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
            }
        }
    }

    /// Selects the `name` of every table that is not the database's own.
    pub(crate) fn select_tables(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
            }
            Self::Postgres => {
                "SELECT table_name::text AS name FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
            }
        }
    }

    /// The end of a statement that looks for the oldest row, so that concurrent workers each take another one.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            // One writer at a time: there are no locks to skip.
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Statements that check the database's own files. Each selects rows with a `finding`, or `ok`.
    pub(crate) fn integrity_checks(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "SELECT integrity_check AS finding FROM pragma_integrity_check",
                "SELECT 'the table ' || \"table\" || ' has ' || COUNT(*) || ' rows that refer to no row of ' \
                 || parent AS finding FROM pragma_foreign_key_check GROUP BY \"table\", parent",
            ],
            // PostgreSQL checks its own files.
            Self::Postgres => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides_and_a_wrong_url_is_not_repeated() {
        assert_eq!(Dialect::of("sqlite:///data/daedap.db"), Ok(Dialect::Sqlite));
        assert_eq!(Dialect::of("postgresql://db/daedap"), Ok(Dialect::Postgres));
        let refused = Dialect::of("mysql://root:secret@db/daedap");
        assert!(
            matches!(&refused, Err(DbError::Rejected(message)) if !message.contains("secret")),
            "{refused:?}"
        );
    }
}
