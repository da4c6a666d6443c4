//! All of SQL as text, for copies: the rows of every table, as of one moment.
//!
//! A row is a JSON object of its columns, so the copy of one dialect can be loaded into the other (`restore.rs`). Which
//! columns a table has is asked of the database: a migration that adds one changes nothing here. One that adds a table
//! puts it into one of the two lists below; until then no copy is made, and a test says so.

use futures::{StreamExt as _, stream::BoxStream};
use serde_json::{Map, Value};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Transaction};

use crate::columns::{Column, columns, table_names};
use crate::database::Dialect;
use crate::rows;
use crate::vector_indexes::vector_index;
use crate::{Database, DbError, VectorIndex, postgres, sqlite};
use domain::{VersionId, WorkspaceId};

/// A table that is copied.
pub(crate) struct CopiedTable {
    pub(crate) name: &'static str,
    /// Rows that others refer to come first.
    order: &'static str,
}

const fn copied(name: &'static str, order: &'static str) -> CopiedTable {
    CopiedTable { name, order }
}

/// What is copied. Tables that others refer to come first.
pub(crate) const COPIED: [CopiedTable; 12] = [
    copied("workspaces", "id"),
    copied("collections", "id"),
    copied("documents", "id"),
    copied("versions", "document, number"),
    copied("jobs", "created_at, id"),
    copied("conversations", "id"),
    copied("turns", "conversation, position"),
    copied("turn_passages", "turn, position"),
    copied("feedback", "turn"),
    copied("eval_questions", "id"),
    copied("eval_runs", "id"),
    copied("web_pages", "collection, url"),
];

/// What is not: how far the schema is (who loads a copy brings it there), which data directory the database belongs to,
/// and where its vectors lie (those of a copy get an index of their own).
const LEFT_OUT: [&str; 4] = ["_sqlx_migrations", "installation", "vector_indexes", "indexed_versions"];

/// Names of the tables that a copy has, in the order in which they are loaded.
pub fn copied_tables() -> impl Iterator<Item = &'static str> {
    COPIED.iter().map(|table| table.name)
}

/// A live version, and how many points a vector store has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveVersion {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The version.
    pub version: VersionId,
    /// Its chunks.
    pub chunk_count: u64,
}

/// The database as it was at one moment. Others write meanwhile.
pub struct Snapshot {
    dialect: Dialect,
    tx: Transaction<'static, Any>,
}

impl Database {
    /// Holds on to what is stored now. Let it go soon: while it is held, a database keeps what is overwritten.
    ///
    /// # Errors
    ///
    /// [`DbError::Failed`] when the schema has a table that this version does not copy.
    pub async fn snapshot(&self) -> Result<Snapshot, DbError> {
        let begin = match self.dialect {
            Dialect::Sqlite => sqlite::BEGIN_SNAPSHOT,
            Dialect::Postgres => postgres::BEGIN_SNAPSHOT,
        };
        let mut tx = self.reads.begin_with(begin).await?;
        // The first statement decides which moment it is.
        let tables = table_names(&mut tx, self.dialect).await?;
        let is_known =
            |name: &String| LEFT_OUT.contains(&name.as_str()) || copied_tables().any(|copied| copied == name);
        if let Some(unknown) = tables.iter().find(|name| !is_known(name)) {
            return Err(DbError::Failed(format!("no copy would hold the table {unknown}")));
        }
        Ok(Snapshot { dialect: self.dialect, tx })
    }
}

impl Snapshot {
    /// The number of the last migration.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn schema(&mut self) -> Result<i64, DbError> {
        last_migration(&mut self.tx).await
    }

    /// The index that answers.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn live_index(&mut self) -> Result<Option<VectorIndex>, DbError> {
        let row = sqlx::query("SELECT id, embedder, space FROM vector_indexes WHERE state = 'live'")
            .fetch_optional(&mut *self.tx)
            .await?;
        row.as_ref().map(vector_index).transpose()
    }

    /// The rows of a table, each one JSON object without line breaks.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a table that is not copied.
    pub async fn rows(&mut self, table: &str) -> Result<BoxStream<'_, Result<String, DbError>>, DbError> {
        let table = copied_table(table)?;
        let columns = columns(&mut self.tx, self.dialect, table.name).await?;
        let sql = format!("SELECT {} FROM {} ORDER BY {}", Column::list(&columns), table.name, table.order);
        // Safe: the names are constants of this crate and those of the schema, quoted.
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *self.tx);
        Ok(rows.map(move |row| line(&row?, &columns)).boxed())
    }

    /// SHA-256 of every original that a version or a job names, each once.
    pub fn original_hashes(&mut self) -> BoxStream<'_, Result<String, DbError>> {
        let rows = sqlx::query(
            "SELECT content_hash FROM versions UNION SELECT content_hash FROM jobs ORDER BY content_hash",
        )
        .fetch(&mut *self.tx);
        rows.map(|row| rows::text(&row?, "content_hash")).boxed()
    }

    /// Every live version.
    pub fn live_versions(&mut self) -> BoxStream<'_, Result<LiveVersion, DbError>> {
        let rows =
            sqlx::query("SELECT workspace, id, chunk_count FROM versions WHERE state = 'live' ORDER BY id")
                .fetch(&mut *self.tx);
        rows.map(|row| live_version(&row?)).boxed()
    }
}

/// The table of that name, if it is one that is copied.
pub(crate) fn copied_table(name: &str) -> Result<&'static CopiedTable, DbError> {
    COPIED
        .iter()
        .find(|table| table.name == name)
        .ok_or_else(|| DbError::Rejected(format!("there is no table {name:?} in a copy")))
}

/// The number of the last migration that was made.
pub(crate) async fn last_migration(connection: &mut AnyConnection) -> Result<i64, DbError> {
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?;
    rows::number(&row, "version")
}

fn line(row: &AnyRow, columns: &[Column]) -> Result<String, DbError> {
    let mut object = Map::new();
    for (at, column) in columns.iter().enumerate() {
        object.insert(column.name.clone(), column.kind.read(row, at)?);
    }
    Ok(Value::Object(object).to_string())
}

fn live_version(row: &AnyRow) -> Result<LiveVersion, DbError> {
    Ok(LiveVersion {
        workspace: rows::parsed(row, "workspace")?,
        version: rows::parsed(row, "id")?,
        chunk_count: rows::number(row, "chunk_count")?,
    })
}
