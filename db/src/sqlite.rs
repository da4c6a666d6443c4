//! SQLite: the file, its durability, its locks.
//!
//! One connection writes and a few read. SQLite admits one writer at a time anyway; waiting for it in the pool's fair
//! queue is better than polling a lock. Other processes (a command beside a running server) are waited for by the
//! busy timeout.

use std::fs::{DirBuilder, OpenOptions};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, Connection as _};

use crate::DbError;
use crate::copies::{Copy, first_pending, not_copied};
use crate::database::{Dialect, Pools};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// Takes the write lock at once. A transaction that begins as a reader and writes later fails with `SQLITE_BUSY` when
/// somebody else wrote in between, and no timeout helps.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// What is read first decides which state of the database a transaction sees to its end.
pub(crate) const BEGIN_SNAPSHOT: &str = "BEGIN";

/// The columns of the table `$1`.
pub(crate) const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";

/// All tables that are not SQLite's own.
pub(crate) const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name";

/// What is wrong with the file; one row that says `ok` where nothing is.
pub(crate) const INTEGRITY: &str = "SELECT integrity_check AS finding FROM pragma_integrity_check";

/// Rows that refer to nothing, by table.
pub(crate) const REFERENCES: &str = "SELECT 'the table ' || \"table\" || ' has ' || COUNT(*) || ' rows that refer to no row of ' \
     || parent AS finding FROM pragma_foreign_key_check GROUP BY \"table\", parent";

/// One writer at a time: there is nobody to skip.
pub(crate) const SKIP_LOCKED: &str = "";

/// `synchronous = FULL` makes a commit in WAL mode wait for the disk; `NORMAL` would lose the last ones with the power.
const ON_CONNECT: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                          PRAGMA foreign_keys = ON;";

const MAX_READERS: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const PREPARE_TIMEOUT: Duration = Duration::from_secs(10);

/// The URL of the database file at `path`, which should be absolute. Characters that mean something in a URL are encoded.
///
/// # Errors
///
/// [`DbError::Rejected`] for a path that is not UTF-8, which SQLite cannot open.
pub fn sqlite_url(path: &Path) -> Result<String, DbError> {
    let path = path
        .to_str()
        .ok_or_else(|| DbError::Rejected(format!("the database path {} is not UTF-8", path.display())))?;
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(url)
}

/// Opens or makes the file, and brings its tables up to date; a copy of what an older version made comes into `copies`.
pub(crate) async fn open(url: &str, migrations: &Migrator, copies: Option<&Path>) -> Result<Pools, DbError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(DbError::Rejected(
            "a database in memory would be lost at the end; name a file: sqlite:///path/to/daedap.db"
                .to_owned(),
        ));
    }
    let file = SqliteConnectOptions::from_str(url)?;
    let path = file.get_filename();
    create_private(path).map_err(|error| {
        DbError::Failed(format!("cannot make the database file {}: {error}", path.display()))
    })?;

    let options = AnyConnectOptions::from_str(url)?;
    prepare(&options, migrations, copies).await.map_err(|error| match error {
        DbError::Failed(why) => DbError::Failed(format!("{}: {why}", path.display())),
        other => other,
    })?;
    let reads = pool_options().max_connections(MAX_READERS).connect_lazy_with(options.clone());
    let writes = pool_options().max_connections(1).connect_lazy_with(options);
    Ok(Pools { reads, writes })
}

/// Brings the tables up to date, over a connection outside the pools: a pool would try a file that is no database again
/// and again, and then say only that it timed out.
async fn prepare(
    options: &AnyConnectOptions,
    migrations: &Migrator,
    copies: Option<&Path>,
) -> Result<(), DbError> {
    let begun = Instant::now();
    loop {
        match migrate(options, migrations, copies).await {
            // Somebody else prepares the same new file. The switch to WAL does not heed the busy timeout.
            Err(DbError::Unavailable(_)) if begun.elapsed() < PREPARE_TIMEOUT => {
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
    sqlx::raw_sql(ON_CONNECT).execute(&mut connection).await?;
    if let Some(folder) = copies
        && let Some(pending) = first_pending(&mut connection, Dialect::Sqlite, migrations).await?
    {
        copy(&mut connection, folder, pending).await.map_err(|error| not_copied(folder, &error))?;
    }
    // Inside one write transaction, so that of two processes that start at once the second finds it done.
    let mut tx = connection.begin_with(BEGIN_WRITE).await?;
    migrations.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    Ok(connection.close().await?)
}

/// Another database file with the same content.
async fn copy(connection: &mut AnyConnection, folder: &Path, pending: i64) -> Result<(), DbError> {
    let failed = |error: std::io::Error| DbError::Failed(error.to_string());
    let copy = Copy::begin(folder, pending, "db").map_err(failed)?;
    let path = copy.path();
    let path = path.to_str().ok_or_else(|| DbError::Rejected("its path is not UTF-8".to_owned()))?;
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

/// Makes the file and the folders above it for their owner alone, and leaves what exists as it is. SQLite gives its
/// side files (`-wal`, `-shm`) the permissions of the file.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    let mut file = OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        folder.mode(0o700);
        file.mode(0o600);
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder.create(parent)?;
    }
    file.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::{Database, rows};

    #[test]
    fn a_url_keeps_every_character_of_the_path() {
        assert_eq!(sqlite_url(Path::new("/srv/d-1_a~b.db")).as_deref(), Ok("sqlite:///srv/d-1_a~b.db"));
        assert_eq!(
            sqlite_url(Path::new("/a b?#%/한.db")).as_deref(),
            Ok("sqlite:///a%20b%3F%23%25/%ED%95%9C.db")
        );
    }

    #[tokio::test]
    async fn every_connection_is_durable_and_checks_references() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = sqlite_url(&folder.path().join("daedap.db")).expect("a UTF-8 path");
        let database = Database::open(&url).await.expect("it opens");
        let mut tx = database.write().await.expect("a transaction");
        let mut reader = database.reads.acquire().await.expect("a reader");
        for (pragma, expected) in
            [("PRAGMA synchronous", 2), ("PRAGMA foreign_keys", 1), ("PRAGMA busy_timeout", 10_000)]
        {
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
        assert!(matches!(&refused, Err(DbError::Failed(why)) if why.contains("newer daedap")), "{refused:?}");
    }

    #[tokio::test]
    async fn what_was_stored_before_tags_and_dates_has_them_afterwards() {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect("sqlite::memory:").await.expect("a database in memory");
        let steps = [
            "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE",
            include_str!("../../migrations/sqlite/0001_first_tables.sql"),
            include_str!("first_rows.sql"),
            include_str!("../../migrations/sqlite/0002_tags_and_dates.sql"),
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
        let date = rows::time(&row, "dated_at").expect("a date");
        assert_eq!(date.to_string(), "2023-11-14T22:13:20.123Z", "when it was taken in");
        assert_eq!(rows::text(&row, "text").as_deref(), Ok("연차는 15일이다."));
        assert_eq!(rows::json::<Vec<String>>(&row, "tags"), Ok(Vec::new()));
        let passage: domain::Passage = rows::json(&row, "passage").expect("it can be read");
        assert_eq!((passage.chunk.dated_at, passage.chunk.tags, passage.score), (date, Vec::new(), 0.1));
    }

    #[test]
    fn both_dialects_have_the_same_migrations() {
        let names = |migrator: &Migrator| -> Vec<String> {
            migrator.iter().map(|one| format!("{} {}", one.version, one.description)).collect()
        };
        assert_eq!(names(&MIGRATIONS), names(&crate::postgres::MIGRATIONS));
    }
}
