//! Reads the rows of every table as of one moment, for backups.
//!
//! A row is a JSON object of its columns, so a backup of one dialect can be restored into the other (`restore.rs`). The
//! columns of a table come from the schema: a migration that adds a column changes nothing here. A migration that adds a
//! table must add it to one of the two lists below; until then every backup fails, and so does a test.

use domain::{VersionId, WorkspaceId};
use futures::{StreamExt as _, stream::BoxStream};
use serde_json::{Map, Value};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::database::Database;
use crate::decode;
use crate::dialect::Dialect;
use crate::error::DbError;
use crate::maintenance::vector_indexes::{VectorIndex, decode_vector_index};
use crate::schema::{Column, columns, last_migration, table_names};

/// A table of a backup.
pub(crate) struct BackupTable {
    pub(crate) name: &'static str,
    /// Columns to order by, so that rows come after those that they refer to.
    order: &'static str,
}

const fn table(name: &'static str, order: &'static str) -> BackupTable {
    BackupTable { name, order }
}

/// The tables of a backup. Tables come after those that they refer to.
pub(crate) const BACKUP_TABLES: [BackupTable; 13] = [
    table("workspaces", "id"),
    table("collections", "id"),
    table("documents", "id"),
    table("versions", "document, number"),
    table("jobs", "created_at, id"),
    table("conversations", "id"),
    table("turns", "conversation, position"),
    table("turn_passages", "turn, position"),
    table("feedback", "turn"),
    table("eval_questions", "id"),
    table("eval_runs", "id"),
    table("web_pages", "collection, url"),
    table("erasures", "document"),
];

/// Tables that are not in a backup: the applied migrations (a restore applies its own), the identity of the installation,
/// the vector indexes (a restore gets an index of its own), and the originals to remove (a backup has none of them).
const EXCLUDED_TABLES: [&str; 5] =
    ["_sqlx_migrations", "installation", "vector_indexes", "indexed_versions", "released_originals"];

/// Names of the tables of a backup, in the order in which they must be restored.
pub fn backup_tables() -> impl Iterator<Item = &'static str> {
    BACKUP_TABLES.iter().map(|table| table.name)
}

/// A live version, and the number of its points in the vector store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveVersion {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The version.
    pub version: VersionId,
    /// The number of its chunks.
    pub chunk_count: u64,
}

/// The database as it was at one moment, unaffected by later writes.
pub struct Snapshot {
    dialect: Dialect,
    tx: Transaction<'static, Any>,
}

impl Database {
    /// Begins a snapshot of the current state. Drop it soon: until then the database keeps every overwritten row.
    ///
    /// # Errors
    ///
    /// [`DbError::Failed`] when the schema has a table that is not known here.
    pub async fn snapshot(&self) -> Result<Snapshot, DbError> {
        let mut tx = self.reads.begin_with(self.dialect.begin_snapshot()).await?;
        // The first statement fixes the moment.
        let tables = table_names(&mut tx, self.dialect).await?;
        let is_known = |name: &String| {
            EXCLUDED_TABLES.contains(&name.as_str()) || backup_tables().any(|table| table == name)
        };
        if let Some(unknown) = tables.iter().find(|name| !is_known(name)) {
            let why = format!("the table `{unknown}` is neither backed up nor excluded from backups");
            return Err(DbError::Failed(why.into()));
        }
        Ok(Snapshot { dialect: self.dialect, tx })
    }
}

impl Snapshot {
    /// The number of the last migration.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn schema_version(&mut self) -> Result<i64, DbError> {
        last_migration(&mut self.tx).await
    }

    /// The live index.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn live_index(&mut self) -> Result<Option<VectorIndex>, DbError> {
        let row = sqlx::query("SELECT id, embedder, space FROM vector_indexes WHERE state = 'live'")
            .fetch_optional(&mut *self.tx)
            .await?;
        row.as_ref().map(decode_vector_index).transpose()
    }

    /// The rows of a table, each one JSON object without line breaks.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a table that is not in backups.
    pub async fn rows(&mut self, table: &str) -> Result<BoxStream<'_, Result<String, DbError>>, DbError> {
        let table = backup_table(table)?;
        let columns = columns(&mut self.tx, self.dialect, table.name).await?;
        let sql = format!("SELECT {} FROM {} ORDER BY {}", Column::list(&columns), table.name, table.order);
        // Safe: the names are constants of this crate and those of the schema, quoted.
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *self.tx);
        Ok(rows.map(move |row| json_line(&row?, &columns)).boxed())
    }

    /// SHA-256 of every original that a version or a job refers to, each once.
    pub fn original_hashes(&mut self) -> BoxStream<'_, Result<String, DbError>> {
        let rows = sqlx::query(
            "SELECT content_hash FROM versions WHERE content_hash <> 'erased' \
             UNION SELECT content_hash FROM jobs ORDER BY content_hash",
        )
        .fetch(&mut *self.tx);
        rows.map(|row| decode::text(&row?, "content_hash")).boxed()
    }

    /// Every live version.
    pub fn live_versions(&mut self) -> BoxStream<'_, Result<LiveVersion, DbError>> {
        let rows =
            sqlx::query("SELECT workspace, id, chunk_count FROM versions WHERE state = 'live' ORDER BY id")
                .fetch(&mut *self.tx);
        rows.map(|row| decode_live_version(&row?)).boxed()
    }
}

/// The table of that name, if it is in backups.
pub(crate) fn backup_table(name: &str) -> Result<&'static BackupTable, DbError> {
    BACKUP_TABLES
        .iter()
        .find(|table| table.name == name)
        .ok_or_else(|| DbError::Rejected(format!("backups have no table {name:?}")))
}

fn json_line(row: &AnyRow, columns: &[Column]) -> Result<String, DbError> {
    let mut object = Map::new();
    for (at, column) in columns.iter().enumerate() {
        object.insert(column.name.clone(), column.kind.to_json(row, at)?);
    }
    Ok(Value::Object(object).to_string())
}

fn decode_live_version(row: &AnyRow) -> Result<LiveVersion, DbError> {
    Ok(LiveVersion {
        workspace: decode::id(row, "workspace")?,
        version: decode::id(row, "id")?,
        chunk_count: decode::number(row, "chunk_count")?,
    })
}
