//! PostgreSQL: connecting, making the database, checking what it must promise.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::AnyConnection;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateDatabase as _, Migrator};
use sqlx::{Any, AssertSqlSafe, Connection as _, Row as _};

use crate::DbError;
use crate::columns::table_names;
use crate::copies::{Copy, first_pending, not_copied};
use crate::database::{Dialect, Pools};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// Each statement sees what was committed before it; rows that must not change are locked by writing to them.
pub(crate) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// All its statements see the state that the first one saw.
pub(crate) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The columns of the table `$1`. The driver for both dialects does not read the catalog's own types.
pub(crate) const COLUMNS: &str = "SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns \
     WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";

/// All tables.
pub(crate) const TABLES: &str = "SELECT table_name::text AS name FROM information_schema.tables \
     WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name";

/// Of several workers that look for the oldest row, each takes another one instead of waiting for the first.
pub(crate) const SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";

/// A server may be set to acknowledge before the disk has it; we may not.
const ON_CONNECT: &str = "SET synchronous_commit = on; SET lock_timeout = '10s'";

const MAX_CONNECTIONS: u32 = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects, makes the database if it is missing, and brings its tables up to date; a copy of the rows that an older version
/// made comes into `copies`.
pub(crate) async fn open(url: &str, migrations: &Migrator, copies: Option<&Path>) -> Result<Pools, DbError> {
    let options = AnyConnectOptions::from_str(url)?;
    let mut connection = match connect(&options).await {
        Err(Refused::NoSuchDatabase) => {
            create_database(url).await?;
            connect(&options).await
        }
        other => other,
    }
    .map_err(|refused| match refused {
        Refused::NoSuchDatabase => DbError::NotFound("database on the server"),
        Refused::Other(error) => error,
    })?;
    require_utf8(&mut connection).await?;
    if let Some(folder) = copies
        && let Some(pending) = first_pending(&mut connection, Dialect::Postgres, migrations).await?
    {
        copy(&mut connection, folder, pending).await.map_err(|error| not_copied(folder, &error))?;
    }
    // The migrator takes an advisory lock, so that processes that start at once do it one after the other.
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

/// The rows of all tables, each line one of them with its table's name.
async fn copy(connection: &mut AnyConnection, folder: &Path, pending: i64) -> Result<(), DbError> {
    let failed = |error: std::io::Error| DbError::Failed(error.to_string());
    let copy = Copy::begin(folder, pending, "jsonl").map_err(failed)?;
    let mut out = BufWriter::new(File::options().write(true).open(copy.path()).map_err(failed)?);
    let mut tx = connection.begin_with(BEGIN_SNAPSHOT).await?;
    for table in table_names(&mut tx, Dialect::Postgres).await? {
        let sql = format!(
            "SELECT json_build_object('table', '{table}', 'row', row_to_json(t))::text AS line FROM \"{table}\" t"
        );
        // Safe: the name is one of the schema, which our migrations made.
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *tx);
        while let Some(row) = rows.try_next().await? {
            writeln!(out, "{}", row.try_get::<String, _>("line")?).map_err(failed)?;
        }
    }
    tx.rollback().await?;
    out.flush().map_err(failed)?;
    copy.finish().map_err(failed)
}

enum Refused {
    NoSuchDatabase,
    Other(DbError),
}

/// One connection outside the pool: a pool would try again until its timeout and then say only that it timed out.
async fn connect(options: &AnyConnectOptions) -> Result<AnyConnection, Refused> {
    match tokio::time::timeout(CONNECT_TIMEOUT, AnyConnection::connect_with(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => {
            let missing =
                error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("3D000"));
            Err(if missing { Refused::NoSuchDatabase } else { Refused::Other(error.into()) })
        }
        Err(_) => Err(Refused::Other(DbError::Unavailable(format!(
            "the PostgreSQL server did not answer within {} s",
            CONNECT_TIMEOUT.as_secs()
        )))),
    }
}

async fn create_database(url: &str) -> Result<(), DbError> {
    tracing::info!("the database does not exist on the PostgreSQL server; making it");
    match Any::create_database(url).await {
        Ok(()) => Ok(()),
        // Somebody else made it at the same moment; the next connection attempt decides.
        Err(error)
            if error
                .as_database_error()
                .is_some_and(|error| matches!(error.code().as_deref(), Some("42P04" | "23505"))) =>
        {
            Ok(())
        }
        Err(error) => Err(DbError::Failed(format!(
            "the database does not exist on the PostgreSQL server and cannot be made: {error}"
        ))),
    }
}

/// Another encoding would refuse Korean, or store its bytes unchecked.
async fn require_utf8(connection: &mut AnyConnection) -> Result<(), DbError> {
    let row =
        sqlx::query("SELECT current_setting('server_encoding') AS encoding").fetch_one(connection).await?;
    match row.try_get::<String, _>("encoding")?.as_str() {
        "UTF8" => Ok(()),
        other => Err(DbError::Failed(format!(
            "the PostgreSQL database has the encoding {other}; make it with ENCODING 'UTF8' TEMPLATE template0"
        ))),
    }
}
