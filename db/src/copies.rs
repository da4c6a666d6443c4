//! A copy of a database, before this version changes the tables that an older one made.
//!
//! Copies lie in a folder of their own, `before-NNNN-TIME`, where NNNN is the first migration that had not been made. What
//! a copy is differs: SQLite writes a database file, PostgreSQL's rows come as JSON lines.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Row as _};

use crate::DbError;
use crate::columns::table_names;
use crate::database::Dialect;
use crate::installation::HAS_DATA;
use crate::sqlite::create_private;

/// Copies that are kept, the newest.
const KEPT: usize = 3;

/// What a copy is called until it is whole.
const UNFINISHED: &str = "unfinished";

/// A copy that is being made. Dropped before its end, it is removed.
pub(crate) struct Copy {
    folder: PathBuf,
    name: String,
}

/// The first migration that was not made yet, if somebody has put something in.
pub(crate) async fn first_pending(
    connection: &mut AnyConnection,
    dialect: Dialect,
    migrations: &Migrator,
) -> Result<Option<i64>, DbError> {
    let tables = table_names(connection, dialect).await?;
    let has_table = |wanted: &str| tables.iter().any(|name| name == wanted);
    if !(has_table("_sqlx_migrations") && has_table("documents")) {
        return Ok(None);
    }
    if sqlx::query(HAS_DATA).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let made = sqlx::query("SELECT version FROM _sqlx_migrations").fetch_all(connection).await?;
    let made = made.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    Ok(migrations.iter().map(|migration| migration.version).find(|version| !made.contains(version)))
}

impl Copy {
    /// Begins a copy in `folder`, which is made if it is not there. An empty file of its own is there after this.
    pub(crate) fn begin(folder: &Path, pending: i64, extension: &str) -> io::Result<Self> {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let name = format!("before-{pending:04}-{time}.{extension}");
        let copy = Self { folder: folder.to_owned(), name };
        create_private(&copy.path())?;
        Ok(copy)
    }

    /// Where it is written.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.{UNFINISHED}", self.name))
    }

    /// Gives it its name once it is on the disk, and removes the oldest.
    pub(crate) fn finish(self) -> io::Result<()> {
        File::open(self.path())?.sync_all()?;
        let copy = self.folder.join(&self.name);
        fs::rename(self.path(), &copy)?;
        File::open(&self.folder)?.sync_all()?;
        tracing::info!(copy = %copy.display(), "the database was copied, and is brought up to date now");
        remove_oldest(&self.folder)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It has its name already, or is of no use. A failure leaves a file that says that it is unfinished.
        let _ = fs::remove_file(self.path());
    }
}

/// Why nothing was changed.
pub(crate) fn not_copied(folder: &Path, error: &dyn std::fmt::Display) -> DbError {
    DbError::Failed(format!(
        "the database was made by an older daedap; it is copied to {} before its tables are changed, and that failed, \
         so nothing was changed: {error}",
        folder.display()
    ))
}

fn remove_oldest(folder: &Path) -> io::Result<()> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("before-") && !name.ends_with(UNFINISHED) {
            copies.push((entry.metadata()?.modified()?, name));
        }
    }
    copies.sort_unstable();
    let too_many = copies.len().saturating_sub(KEPT);
    copies.iter().take(too_many).try_for_each(|(_, name)| fs::remove_file(folder.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_are_kept_and_what_is_unfinished_goes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("backups");
        for pending in [9, 5, 6, 7] {
            let copy = Copy::begin(&folder, pending, "db").expect("begun");
            fs::write(copy.path(), "rows").expect("written");
            copy.finish().expect("finished");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(Copy::begin(&folder, 8, "db").expect("begun"));
        let kept = names(&folder);
        assert_eq!(kept.len(), KEPT, "{kept:?}");
        assert!(
            kept.iter().zip(["before-0005", "before-0006", "before-0007"]).all(|(n, b)| n.starts_with(b))
        );
    }
}
