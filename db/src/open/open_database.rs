//! Opens the database at a URL and migrates its tables.

use std::path::Path;

use domain::WorkspaceId;
use sqlx::migrate::Migrator;

use crate::database::Database;
use crate::dialect::Dialect;
use crate::error::DbError;
use crate::lease_clock::LeaseClock;
use crate::open::pools::Pools;
use crate::open::{postgres, sqlite};

impl Database {
    /// Opens the database at `url`, migrates its tables and makes sure that the default workspace exists.
    ///
    /// `sqlite:///absolute/path.db` names a file, created if it is missing, readable by its owner alone (see
    /// [`sqlite_url`](crate::sqlite_url) for paths with unusual characters). `postgres://user:password@host/name` names
    /// a database on a server, created if it is missing and the user may create one.
    ///
    /// # Errors
    ///
    /// [`DbError::Unavailable`] when the server does not answer, [`DbError::Rejected`] for a URL of another kind,
    /// [`DbError::Failed`] when the file or database is not one of daedap's or was made by a newer version.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::open_and_copy(url, None).await
    }

    /// Opens the database as [`open`](Self::open) does, but before it migrates tables that an older version made, it
    /// copies their content into the folder `copies`, which keeps the newest three copies.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`DbError::Failed`] when the copy fails; the tables are unchanged then.
    pub async fn open_and_copy(url: &str, copies: Option<&Path>) -> Result<Self, DbError> {
        let dialect = Dialect::of(url)?;
        let database = connect(url, dialect, migrations(dialect), copies).await?;
        database.ensure_workspace(WorkspaceId::DEFAULT, "default").await?;
        database.ensure_installation().await?;
        Ok(database)
    }

    /// Opens the database at `url` with the tables of schema number `schema`. A new database stays empty; tables of a
    /// later schema stay as they are.
    pub(crate) async fn open_at(url: &str, schema: i64) -> Result<Self, DbError> {
        let dialect = Dialect::of(url)?;
        let all = migrations(dialect);
        if !all.iter().any(|migration| migration.version == schema) {
            return Err(DbError::Rejected(format!("this daedap does not have schema {schema}")));
        }
        let known = all.iter().filter(|migration| migration.version <= schema).cloned().collect();
        let mut migrations = Migrator::with_migrations(known);
        migrations.set_ignore_missing(true);
        connect(url, dialect, &migrations, None).await
    }
}

async fn connect(
    url: &str,
    dialect: Dialect,
    migrations: &Migrator,
    copies: Option<&Path>,
) -> Result<Database, DbError> {
    sqlx::any::install_default_drivers();
    let Pools { reads, writes } = match dialect {
        Dialect::Sqlite => sqlite::open(url, migrations, copies).await?,
        Dialect::Postgres => postgres::open(url, migrations, copies).await?,
    };
    Ok(Database { dialect, lease_clock: LeaseClock::start(), reads, writes })
}

/// All migrations of the dialect.
fn migrations(dialect: Dialect) -> &'static Migrator {
    match dialect {
        Dialect::Sqlite => &sqlite::MIGRATIONS,
        Dialect::Postgres => &postgres::MIGRATIONS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_have_the_same_migrations() {
        let names = |dialect| -> Vec<String> {
            migrations(dialect).iter().map(|one| format!("{} {}", one.version, one.description)).collect()
        };
        assert_eq!(names(Dialect::Sqlite), names(Dialect::Postgres));
    }
}
