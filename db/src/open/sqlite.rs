//! Opens SQLite: creates the file, makes every connection durable, and migrates under the write lock.
//!
//! One connection writes and a few read. SQLite admits one writer at a time anyway; waiting for it in the pool's fair
//! queue is better than polling a lock. Other processes (a command beside a running server) are waited for by the
//! busy timeout.

use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use domain::Cause;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::dialect::Dialect;
use crate::error::DbError;
use crate::open::pools::Pools;
use crate::open::pre_migration_copy::{PreMigrationCopy, copy_failed, first_pending};
use crate::open::private_file::create_private_file;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// `synchronous = FULL` makes a commit in WAL mode wait for the disk; with `NORMAL` a power failure loses the last ones.
/// `secure_delete` overwrites what is deleted.
const ON_CONNECT: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                          PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;";

/// What only the connection that makes the tables may say: it waits for writers, and has an effect only before a file has
/// its first table.
const ON_CREATE: &str = "PRAGMA busy_timeout = 10000; PRAGMA auto_vacuum = INCREMENTAL;";

/// The value of `auto_vacuum` in a file whose pages of deleted rows can be given back.
const INCREMENTAL: i64 = 2;

const MAX_READERS: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const MIGRATE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens or creates the file and migrates its tables; tables of an older version are first copied into `copies`.
pub(super) async fn open(url: &str, migrations: &Migrator, copies: Option<&Path>) -> Result<Pools, DbError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(DbError::Rejected(
            "a database in memory is lost when the process ends; use a file: `sqlite:///path/to/daedap.db`"
                .to_owned(),
        ));
    }
    let file = SqliteConnectOptions::from_str(url)?;
    let path = file.get_filename();
    create_private_file(path).map_err(|error| {
        let context = format!("cannot create the database file `{}`", path.display());
        DbError::Failed(Cause::with_context(context, error))
    })?;

    let options = AnyConnectOptions::from_str(url)?;
    migrate_with_retries(&options, migrations, copies).await.map_err(|error| match error {
        DbError::Failed(why) => DbError::Failed(Cause::with_context(format!("`{}`", path.display()), why)),
        other => other,
    })?;
    let reads = pool_options().max_connections(MAX_READERS).connect_lazy_with(options.clone());
    let writes = pool_options().max_connections(1).connect_lazy_with(options);
    Ok(Pools { reads, writes })
}

/// Migrates over a connection outside the pools: given a file that is no database, a pool would retry until it times
/// out, and report only that.
async fn migrate_with_retries(
    options: &AnyConnectOptions,
    migrations: &Migrator,
    copies: Option<&Path>,
) -> Result<(), DbError> {
    let started = Instant::now();
    loop {
        match migrate(options, migrations, copies).await {
            // Another process migrates the same new file. The switch to WAL ignores the busy timeout.
            Err(DbError::Unavailable(_)) if started.elapsed() < MIGRATE_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
}

async fn migrate(
    options: &AnyConnectOptions,
    migrations: &Migrator,
    copies: Option<&Path>,
) -> Result<(), DbError> {
    let mut connection = AnyConnection::connect_with(options).await?;
    sqlx::raw_sql(ON_CREATE).execute(&mut connection).await?;
    sqlx::raw_sql(ON_CONNECT).execute(&mut connection).await?;
    if let Some(folder) = copies
        && let Some(pending) = first_pending(&mut connection, Dialect::Sqlite, migrations).await?
    {
        copy(&mut connection, folder, pending).await.map_err(|error| copy_failed(folder, error))?;
    }
    // In one write transaction, so that of two processes that start at once the second finds nothing to do.
    let mut tx = connection.begin_with(Dialect::Sqlite.begin_write()).await?;
    migrations.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    if let Err(error) = convert(&mut connection).await {
        tracing::warn!(%error, "cannot rewrite the database file; what was deleted may stay in it until the next start");
    }
    Ok(connection.close().await?)
}

/// Rewrites a file that an older version made, once: its free pages hold what was deleted, and it cannot give them back.
async fn convert(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let row = sqlx::query("PRAGMA auto_vacuum").fetch_one(&mut *connection).await?;
    if row.try_get::<i64, _>(0)? != INCREMENTAL {
        sqlx::raw_sql("PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Copies the content into another database file.
async fn copy(connection: &mut AnyConnection, folder: &Path, pending: i64) -> Result<(), DbError> {
    let failed = |error: io::Error| DbError::Failed(error.into());
    let copy = PreMigrationCopy::begin(folder, pending, "db").map_err(failed)?;
    let path = copy.path();
    let path =
        path.to_str().ok_or_else(|| DbError::Rejected("the path of the copy is not UTF-8".to_owned()))?;
    sqlx::query("VACUUM INTO $1").bind(path).execute(connection).await?;
    copy.finish().map_err(failed)
}

fn pool_options() -> AnyPoolOptions {
    AnyPoolOptions::new()
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(ON_CONNECT).execute(&mut *connection).await?;
                Ok(())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;
    use crate::decode;
    use crate::open::sqlite_url::sqlite_url;

    #[tokio::test]
    async fn every_connection_is_durable_and_checks_references() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = sqlite_url(&folder.path().join("daedap.db")).expect("a UTF-8 path");
        let database = Database::open(&url).await.expect("it opens");
        let mut tx = database.write().await.expect("a transaction");
        let mut reader = database.reads.acquire().await.expect("a reader");
        for (pragma, expected) in [
            ("PRAGMA synchronous", 2),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA busy_timeout", 10_000),
            ("PRAGMA secure_delete", 1),
            ("PRAGMA auto_vacuum", INCREMENTAL),
        ] {
            for connection in [&mut *tx, &mut *reader] {
                let row = sqlx::query(pragma).fetch_one(connection).await.expect("a value");
                assert_eq!(row.try_get::<i64, _>(0).expect("a number"), expected, "{pragma}");
            }
        }
        let row = sqlx::query("PRAGMA journal_mode").fetch_one(&mut *tx).await.expect("a value");
        assert_eq!(row.try_get::<String, _>(0).expect("a word"), "wal");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new").join("daedap.db");
        let database = Database::open(&sqlite_url(&path).expect("a UTF-8 path")).await.expect("it opens");
        for (path, mode) in [
            (path.clone(), 0o600),
            (path.with_extension("db-wal"), 0o600),
            (folder.path().join("new"), 0o700),
        ] {
            let found = std::fs::metadata(&path).expect("it exists").permissions().mode() & 0o777;
            assert_eq!(found, mode, "{} has {found:o}", path.display());
        }
        database.close().await;
    }

    #[tokio::test]
    async fn a_file_of_an_older_version_is_rewritten_without_what_was_deleted() {
        sqlx::any::install_default_drivers();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("daedap.db");
        let url = sqlite_url(&path).expect("a UTF-8 path");
        let older = AnyConnectOptions::from_str(&format!("{url}?mode=rwc")).expect("a URL");
        let mut older = AnyConnection::connect_with(&older).await.expect("a new file");
        let rows = "PRAGMA journal_mode = WAL; CREATE TABLE notes (note TEXT); \
                    INSERT INTO notes VALUES ('xyzzyplugh'); DELETE FROM notes";
        sqlx::raw_sql(rows).execute(&mut older).await.expect("it runs");
        older.close().await.expect("closed");
        let database = Database::open(&url).await.expect("it opens");
        assert_eq!(database.reclaim().await, Ok(true));
        for name in ["daedap.db", "daedap.db-wal"] {
            let bytes = std::fs::read(folder.path().join(name)).expect("a file");
            assert!(!bytes.windows(10).any(|part| part == b"xyzzyplugh"), "{name}");
        }
        let mut tx = database.write().await.expect("a transaction");
        let row = sqlx::query("PRAGMA auto_vacuum").fetch_one(&mut *tx).await.expect("a value");
        assert_eq!(row.try_get::<i64, _>(0).expect("a number"), INCREMENTAL);
        drop(tx);
        database.close().await;
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = sqlite_url(&folder.path().join("daedap.db")).expect("a UTF-8 path");
        let database = Database::open(&url).await.expect("it opens");
        let mut tx = database.write().await.expect("a transaction");
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'of the future', 1, x'00', 0)",
        )
        .execute(&mut *tx)
        .await
        .expect("inserted");
        tx.commit().await.expect("committed");
        database.close().await;
        let refused = Database::open(&url).await;
        assert!(
            matches!(&refused, Err(DbError::Failed(why)) if why.to_string().contains("newer daedap")),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn what_was_stored_before_tags_and_dates_has_them_afterwards() {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect("sqlite::memory:").await.expect("a database in memory");
        let steps = [
            "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE",
            include_str!("../../../migrations/sqlite/0001_first_tables.sql"),
            include_str!("first_rows.sql"),
            include_str!("../../../migrations/sqlite/0002_tags_and_dates.sql"),
            "COMMIT; PRAGMA foreign_key_check",
        ];
        for step in steps {
            sqlx::raw_sql(step).execute(&mut connection).await.expect("it runs");
        }
        let row =
            sqlx::query("SELECT v.tags, v.dated_at, v.text, p.passage FROM versions v, turn_passages p")
                .fetch_one(&mut connection)
                .await
                .expect("the version and the passage of it");
        let date = decode::time(&row, "dated_at").expect("a date");
        assert_eq!(date.to_string(), "2023-11-14T22:13:20.123Z", "when it was taken in");
        assert_eq!(decode::text(&row, "text").as_deref(), Ok("연차는 15일이다."));
        assert_eq!(decode::json::<Vec<String>>(&row, "tags"), Ok(Vec::new()));
        let passage: domain::Passage = decode::json(&row, "passage").expect("it can be read");
        assert_eq!((passage.chunk.dated_at, passage.chunk.tags, passage.score), (date, Vec::new(), 0.1));
    }
}
