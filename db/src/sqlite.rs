//! SQLite: the file, its durability, its locks.
//!
//! One connection writes and a few read. SQLite admits one writer at a time anyway; waiting for it in the pool's fair
//! queue is better than polling a lock. Other processes (a command beside a running server) are waited for by the
//! busy timeout.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;

use crate::DbError;
use crate::database::Pools;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// Takes the write lock at once. A transaction that begins as a reader and writes later fails with `SQLITE_BUSY` when
/// somebody else wrote in between, and no timeout helps.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// One writer at a time: there is nobody to skip.
pub(crate) const SKIP_LOCKED: &str = "";

/// `synchronous = FULL` makes a commit in WAL mode wait for the disk; `NORMAL` would lose the last ones with the power.
const ON_CONNECT: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                          PRAGMA foreign_keys = ON;";

const MAX_READERS: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

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
                url.push(char::from(byte))
            }
            // Writing into a String cannot fail.
            _ => drop(write!(url, "%{byte:02X}")),
        }
    }
    Ok(url)
}

/// Opens or makes the file, and brings its tables up to date.
pub(crate) async fn open(url: &str) -> Result<Pools, DbError> {
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
    let writes = pool_options().max_connections(1).connect_with(options.clone()).await?;
    // Inside one write transaction, so that of two processes that start at once the second finds it done.
    let mut tx = writes.begin_with(BEGIN_WRITE).await?;
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;

    let reads = pool_options().max_connections(MAX_READERS).connect_lazy_with(options);
    Ok(Pools { reads, writes })
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
fn create_private(path: &Path) -> std::io::Result<()> {
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
