//! Names, completes and rotates the copies that are made of a database before it is migrated.
//!
//! Copies are files `before-NNNN-TIME` in a folder of their own, where NNNN is the first migration that was pending. Each
//! dialect writes the content itself: SQLite a database file, PostgreSQL its rows as JSON lines.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use domain::Cause;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Row as _};

use crate::dialect::Dialect;
use crate::error::DbError;
use crate::open::private_file::create_private_file;
use crate::schema::{SELECT_ANY_DATA, table_names};

/// Number of copies to keep, the newest.
const KEPT_COPIES: usize = 3;

/// Extension of a copy until it is complete.
const UNFINISHED: &str = "unfinished";

/// A copy in progress. Dropped before [`finish`](Self::finish), it is removed.
pub(super) struct PreMigrationCopy {
    folder: PathBuf,
    name: String,
}

/// The first pending migration of a database that holds data; `None` if there is nothing to migrate or to copy.
pub(super) async fn first_pending(
    connection: &mut AnyConnection,
    dialect: Dialect,
    migrations: &Migrator,
) -> Result<Option<i64>, DbError> {
    let tables = table_names(connection, dialect).await?;
    let has_table = |wanted: &str| tables.iter().any(|name| name == wanted);
    if !(has_table("_sqlx_migrations") && has_table("documents")) {
        return Ok(None);
    }
    if sqlx::query(SELECT_ANY_DATA).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let applied = sqlx::query("SELECT version FROM _sqlx_migrations").fetch_all(connection).await?;
    let applied = applied.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    Ok(migrations.iter().map(|migration| migration.version).find(|version| !applied.contains(version)))
}

impl PreMigrationCopy {
    /// Begins a copy: creates an empty file in `folder`, which is created if it is missing.
    pub(super) fn begin(folder: &Path, pending: i64, extension: &str) -> io::Result<Self> {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let name = format!("before-{pending:04}-{time}.{extension}");
        let copy = Self { folder: folder.to_owned(), name };
        create_private_file(&copy.path())?;
        Ok(copy)
    }

    /// The file to write the copy to.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.{UNFINISHED}", self.name))
    }

    /// Syncs the copy to disk, gives it its final name, and removes the oldest copies.
    pub(super) fn finish(self) -> io::Result<()> {
        File::open(self.path())?.sync_all()?;
        let copy = self.folder.join(&self.name);
        fs::rename(self.path(), &copy)?;
        File::open(&self.folder)?.sync_all()?;
        tracing::info!(copy = %copy.display(), "copied the database; migrating it now");
        remove_oldest(&self.folder)
    }
}

impl Drop for PreMigrationCopy {
    fn drop(&mut self) {
        // After `finish` there is no such file. If removal fails, the name still says that the copy is unfinished.
        let _ = fs::remove_file(self.path());
    }
}

/// The error of a migration that did not start because its copy failed.
pub(super) fn copy_failed(folder: &Path, error: DbError) -> DbError {
    let context = format!(
        "the database was made by an older daedap, and copying it to `{}` before the migration failed; \
         nothing was changed",
        folder.display()
    );
    DbError::Failed(Cause::with_context(context, error))
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
    let excess = copies.len().saturating_sub(KEPT_COPIES);
    copies.iter().take(excess).try_for_each(|(_, name)| fs::remove_file(folder.join(name)))
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
    fn the_newest_copies_are_kept_and_unfinished_ones_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("backups");
        for pending in [9, 5, 6, 7] {
            let copy = PreMigrationCopy::begin(&folder, pending, "db").expect("begun");
            fs::write(copy.path(), "rows").expect("written");
            copy.finish().expect("finished");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(PreMigrationCopy::begin(&folder, 8, "db").expect("begun"));
        let kept = names(&folder);
        assert_eq!(kept.len(), KEPT_COPIES, "{kept:?}");
        assert!(
            kept.iter().zip(["before-0005", "before-0006", "before-0007"]).all(|(n, b)| n.starts_with(b))
        );
    }
}
