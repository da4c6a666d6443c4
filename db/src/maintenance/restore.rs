//! Loads the rows of a backup into an empty database, in one transaction.
//!
//! The rows of a backup have the schema of the database that it was made from, so the tables are migrated to that schema
//! first. The next [`Database::open`] applies the remaining migrations, as it would have to the original.

use std::collections::BTreeMap;

use domain::with_causes;
use serde_json::{Map, Value};
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::database::Database;
use crate::error::DbError;
use crate::maintenance::backup::{BACKUP_TABLES, BackupTable, backup_table};
use crate::schema::{Column, columns, last_migration, table_names};

/// A restore in progress. Dropped before [`commit`](Restore::commit), the database stays empty.
pub struct Restore {
    database: Database,
    tx: Transaction<'static, Any>,
    tables: BTreeMap<&'static str, TableLoad>,
}

/// The load of one table.
struct TableLoad {
    columns: Vec<Column>,
    insert: String,
    rows: u64,
}

impl Database {
    /// Begins to restore a backup of schema number `schema` into the database at `url`, which is created if it is missing.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a schema that this version does not have, [`DbError::Conflict`] when the database is not
    /// empty or has a later schema; and those of [`Database::open`].
    pub async fn begin_restore(url: &str, schema: i64) -> Result<Restore, DbError> {
        let database = Self::open_at(url, schema).await?;
        let mut tx = database.write().await?;
        let found = last_migration(&mut tx).await?;
        if found != schema {
            return Err(DbError::Conflict(format!(
                "the database has schema {found} and the backup has schema {schema}; restore into a database that does \
                 not exist yet"
            )));
        }
        // Every database has the default workspace; the backup has its own.
        let tables = table_names(&mut tx, database.dialect).await?;
        // An older schema lacks some tables.
        let exists = |table: &&BackupTable| tables.iter().any(|name| name == table.name);
        // It may know of deleted documents: the data directory has their list, too.
        let is_data = |table: &&BackupTable| !["workspaces", "erasures"].contains(&table.name);
        for table in BACKUP_TABLES.iter().filter(exists).filter(is_data) {
            let sql = format!("SELECT 1 AS one FROM {} LIMIT 1", table.name);
            // Safe: a constant of this crate.
            if sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut *tx).await?.is_some() {
                return Err(DbError::Conflict(format!(
                    "the database is not empty: it has rows in `{}`",
                    table.name
                )));
            }
        }
        if tables.iter().any(|name| name == "erasures") {
            sqlx::query("DELETE FROM erasures").execute(&mut *tx).await?;
        }
        sqlx::query("DELETE FROM workspaces").execute(&mut *tx).await?;
        Ok(Restore { database, tx, tables: BTreeMap::new() })
    }
}

impl Restore {
    /// Inserts a row that [`Snapshot::rows`](crate::Snapshot::rows) returned.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for an unknown table, an unknown or missing column, and a value of the wrong kind; those of
    /// the database for a row that violates its constraints.
    pub async fn load(&mut self, table: &str, row: &str) -> Result<(), DbError> {
        let name = backup_table(table)?.name;
        let rejected = |why: String| DbError::Rejected(format!("a row of the table `{name}` {why}"));
        let row: Map<String, Value> =
            serde_json::from_str(row).map_err(|error| rejected(format!("is not a JSON object: {error}")))?;
        if !self.tables.contains_key(name) {
            let columns = columns(&mut self.tx, self.database.dialect, name).await?;
            self.tables.insert(name, TableLoad::new(name, columns));
        }
        let Some(load) = self.tables.get_mut(name) else { return Ok(()) };
        if let Some(unknown) = row.keys().find(|key| !load.columns.iter().any(|column| column.name == **key))
        {
            return Err(rejected(format!("has an unknown column {unknown:?}")));
        }
        // Safe: the names are constants of this crate and those of the schema, quoted.
        let mut insert = sqlx::query(AssertSqlSafe(load.insert.clone()));
        let mut row = row;
        for Column { name, kind } in &load.columns {
            let value = row.remove(name).ok_or_else(|| rejected(format!("has no column `{name}`")))?;
            insert = kind
                .bind(insert, value)
                .ok_or_else(|| rejected(format!("has a value of the wrong kind in its column `{name}`")))?;
        }
        insert.execute(&mut *self.tx).await.map_err(|error| refused_row(name, error))?;
        load.rows += 1;
        Ok(())
    }

    /// Number of rows loaded into the table.
    pub fn loaded_rows(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |load| load.rows)
    }

    /// Commits the restore and closes the database.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn commit(self) -> Result<(), DbError> {
        self.tx.commit().await?;
        self.database.close().await;
        Ok(())
    }
}

/// The error of a row that the database refuses. Which constraint it violates says what is wrong with the backup.
fn refused_row(table: &str, error: sqlx::Error) -> DbError {
    let text = format!("a row of the table `{table}` cannot be stored: {}", with_causes(&error));
    match DbError::from(error) {
        DbError::Conflict(_) => DbError::Conflict(text),
        DbError::Rejected(_) => DbError::Rejected(text),
        other => other,
    }
}

impl TableLoad {
    fn new(table: &str, columns: Vec<Column>) -> Self {
        let values = (1..=columns.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let insert = format!("INSERT INTO {table} ({}) VALUES ({values})", Column::list(&columns));
        Self { columns, insert, rows: 0 }
    }
}
