//! The handle to the database: opening by URL, reading, and writing in transactions.

use std::path::Path;

use domain::WorkspaceId;
use sqlx::any::AnyArguments;
use sqlx::migrate::Migrator;
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Transaction};

use crate::rows::expect_touched;
use crate::{DbError, postgres, sqlite};

/// The database. A clone is another handle to the same pools of connections.
#[derive(Debug, Clone)]
pub struct Database {
    pub(crate) dialect: Dialect,
    /// For statements that only read.
    pub(crate) reads: AnyPool,
    writes: AnyPool,
}

/// Which SQL a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// What a dialect opens. Both pools may be the same one.
pub(crate) struct Pools {
    pub(crate) reads: AnyPool,
    pub(crate) writes: AnyPool,
}

impl Database {
    /// Opens the database at `url`, brings its tables up to date and makes sure that the default workspace exists.
    ///
    /// `sqlite:///absolute/path.db` names a file, made if it is missing, readable by its owner alone (see
    /// [`sqlite_url`](crate::sqlite_url) for paths with unusual characters). `postgres://user:password@host/name` names
    /// a database on a server, made if it is missing and the user may make one.
    ///
    /// # Errors
    ///
    /// [`DbError::Unavailable`] when the server does not answer, [`DbError::Rejected`] for a URL that names neither,
    /// [`DbError::Failed`] when the file or database is not one of ours or was made by a newer version.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::open_with_copies(url, None).await
    }

    /// The same, but before the tables that an older version made are changed, a copy of what is in them is put into the
    /// folder `copies`. The newest three stay there.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`DbError::Failed`] when the copy cannot be made; nothing was changed then.
    pub async fn open_with_copies(url: &str, copies: Option<&Path>) -> Result<Self, DbError> {
        let dialect = Dialect::of(url)?;
        let database = Self::connect(url, dialect, dialect.migrations(), copies).await?;
        database.ensure_workspace(WorkspaceId::DEFAULT, "default").await?;
        database.ensure_installation().await?;
        Ok(database)
    }

    /// Opens the database at `url` with tables of the schema number `schema`, and nothing in a new one. Tables that are of
    /// a later schema already stay so.
    pub(crate) async fn open_at(url: &str, schema: i64) -> Result<Self, DbError> {
        let dialect = Dialect::of(url)?;
        let all = dialect.migrations();
        if !all.iter().any(|migration| migration.version == schema) {
            return Err(DbError::Rejected(format!("the schema {schema} is not known to this daedap")));
        }
        let known = all.iter().filter(|migration| migration.version <= schema).cloned().collect();
        let mut migrations = Migrator::with_migrations(known);
        migrations.set_ignore_missing(true);
        Self::connect(url, dialect, &migrations, None).await
    }

    async fn connect(
        url: &str,
        dialect: Dialect,
        migrations: &Migrator,
        copies: Option<&Path>,
    ) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let Pools { reads, writes } = match dialect {
            Dialect::Sqlite => sqlite::open(url, migrations, copies).await?,
            Dialect::Postgres => postgres::open(url, migrations, copies).await?,
        };
        Ok(Self { dialect, reads, writes })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// [`DbError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT id FROM workspaces LIMIT 1").fetch_optional(&self.reads).await?;
        Ok(())
    }

    /// Waits for running statements and closes all connections. Any later call is [`DbError::Unavailable`].
    pub async fn close(&self) {
        self.reads.close().await;
        self.writes.close().await;
    }

    /// Begins a transaction that may write.
    ///
    /// Every write goes through one, single statements too: a statement with `RETURNING` hands out its row before it
    /// is committed, so only `commit` may be taken as the acknowledgement. Dropped without it, all is undone.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>, DbError> {
        let begin = match self.dialect {
            Dialect::Sqlite => sqlite::BEGIN_WRITE,
            Dialect::Postgres => postgres::BEGIN_WRITE,
        };
        Ok(self.writes.begin_with(begin).await?)
    }

    /// Makes one change, which must find a row.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] of `what` when it finds none.
    pub(crate) async fn change(
        &self,
        statement: Query<'_, Any, AnyArguments>,
        what: &'static str,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        expect_touched(&statement.execute(&mut *tx).await?, what)?;
        Ok(tx.commit().await?)
    }
}

impl Dialect {
    /// What makes its tables.
    fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &sqlite::MIGRATIONS,
            Self::Postgres => &postgres::MIGRATIONS,
        }
    }

    fn of(url: &str) -> Result<Self, DbError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            // The URL itself stays out of the message: it may hold a password.
            _ => Err(DbError::Rejected("a database URL begins with sqlite:// or postgres://".to_owned())),
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
