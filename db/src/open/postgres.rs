//! Opens PostgreSQL: connects, creates the database if it is missing, checks its encoding, and migrates.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use domain::Cause;
use futures::TryStreamExt as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateDatabase as _, Migrator};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::dialect::Dialect;
use crate::error::DbError;
use crate::open::pools::Pools;
use crate::open::pre_migration_copy::{PreMigrationCopy, copy_failed, first_pending};
use crate::schema::table_names;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// A server may be configured to acknowledge commits before they are on disk; daedap may not.
const ON_CONNECT: &str = "SET synchronous_commit = on; SET lock_timeout = '10s'";

const MAX_CONNECTIONS: u32 = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects, creates the database if it is missing, and migrates its tables; the rows of an older version are first
/// copied into `copies`.
pub(super) async fn open(url: &str, migrations: &Migrator, copies: Option<&Path>) -> Result<Pools, DbError> {
    let options = AnyConnectOptions::from_str(url)?;
    let mut connection = match connect(&options).await {
        Err(ConnectError::NoSuchDatabase) => {
            create_database(url).await?;
            connect(&options).await
        }
        other => other,
    }
    .map_err(|error| match error {
        ConnectError::NoSuchDatabase => DbError::NotFound("database on the server"),
        ConnectError::Other(error) => error,
    })?;
    require_utf8(&mut connection).await?;
    if let Some(folder) = copies
        && let Some(pending) = first_pending(&mut connection, Dialect::Postgres, migrations).await?
    {
        copy(&mut connection, folder, pending).await.map_err(|error| copy_failed(folder, error))?;
    }
    // The migrator takes an advisory lock, so processes that start at once migrate one after the other.
    migrations.run_direct(None, &mut connection, false).await?;
    connection.close().await?;

    let pool = AnyPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(CONNECT_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(ON_CONNECT).execute(&mut *connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    Ok(Pools { reads: pool.clone(), writes: pool })
}

/// Copies the rows of all tables into a file: each line is one row with its table's name.
async fn copy(connection: &mut AnyConnection, folder: &Path, pending: i64) -> Result<(), DbError> {
    let failed = |error: io::Error| DbError::Failed(error.into());
    let copy = PreMigrationCopy::begin(folder, pending, "jsonl").map_err(failed)?;
    let mut out = BufWriter::new(File::options().write(true).open(copy.path()).map_err(failed)?);
    let mut tx = connection.begin_with(Dialect::Postgres.begin_snapshot()).await?;
    for table in table_names(&mut tx, Dialect::Postgres).await? {
        let sql = format!(
            "SELECT json_build_object('table', '{table}', 'row', row_to_json(t))::text AS line FROM \"{table}\" t"
        );
        // Safe: the name comes from the schema, which our migrations made.
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *tx);
        while let Some(row) = rows.try_next().await? {
            writeln!(out, "{}", row.try_get::<String, _>("line")?).map_err(failed)?;
        }
    }
    tx.rollback().await?;
    out.flush().map_err(failed)?;
    copy.finish().map_err(failed)
}

enum ConnectError {
    NoSuchDatabase,
    Other(DbError),
}

/// Opens one connection outside the pool: a pool would retry until it times out, and report only that.
async fn connect(options: &AnyConnectOptions) -> Result<AnyConnection, ConnectError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, AnyConnection::connect_with(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => {
            let missing =
                error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("3D000"));
            Err(if missing { ConnectError::NoSuchDatabase } else { ConnectError::Other(error.into()) })
        }
        Err(_) => {
            let seconds = CONNECT_TIMEOUT.as_secs();
            let why = format!("the PostgreSQL server did not answer within {seconds} s");
            Err(ConnectError::Other(DbError::Unavailable(why.into())))
        }
    }
}

async fn create_database(url: &str) -> Result<(), DbError> {
    tracing::info!("creating the database, which the PostgreSQL server does not have");
    match Any::create_database(url).await {
        Ok(()) => Ok(()),
        // Another process created it at the same moment; the next connection attempt decides.
        Err(error)
            if error
                .as_database_error()
                .is_some_and(|error| matches!(error.code().as_deref(), Some("42P04" | "23505"))) =>
        {
            Ok(())
        }
        Err(error) => {
            let context = "the PostgreSQL server does not have the database, and creating it failed";
            Err(DbError::Failed(Cause::with_context(context, error)))
        }
    }
}

/// Checks that the database is UTF-8. Other encodings reject Korean, or store its bytes unchecked.
async fn require_utf8(connection: &mut AnyConnection) -> Result<(), DbError> {
    let row =
        sqlx::query("SELECT current_setting('server_encoding') AS encoding").fetch_one(connection).await?;
    match row.try_get::<String, _>("encoding")?.as_str() {
        "UTF8" => Ok(()),
        other => {
            let why = format!(
                "the PostgreSQL database has the encoding `{other}`; create it with `ENCODING 'UTF8' TEMPLATE template0`"
            );
            Err(DbError::Failed(why.into()))
        }
    }
}
