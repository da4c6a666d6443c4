//! A copy's rows into an empty database, in one transaction: all of them, or none.
//!
//! The rows of a copy are those of the schema that it was made from, so the tables are brought to just that first. The
//! next [`Database::open`] does the rest, as it would have done with the original.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::backup::{COPIED, CopiedTable, copied_table, last_migration};
use crate::columns::{Column, columns, table_names};
use crate::{Database, DbError};

/// A database that is being filled. Dropped before [`commit`](Restoring::commit), it stays empty.
pub struct Restoring {
    database: Database,
    tx: Transaction<'static, Any>,
    tables: BTreeMap<&'static str, Filling>,
}

/// How far a table is.
struct Filling {
    columns: Vec<Column>,
    insert: String,
    rows: u64,
}

impl Database {
    /// Begins to fill the database at `url`, which is made where it is missing, with a copy of the schema number `schema`.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a schema that this version does not know, [`DbError::Conflict`] when the database holds
    /// anything or its tables are of a later schema; and those of [`Database::open`].
    pub async fn begin_restore(url: &str, schema: i64) -> Result<Restoring, DbError> {
        let database = Self::open_at(url, schema).await?;
        let mut tx = database.write().await?;
        let found = last_migration(&mut tx).await?;
        if found != schema {
            return Err(DbError::Conflict(format!(
                "the database has tables of the schema {found} and the backup is of schema {schema}; restore into a \
                 database that does not exist yet"
            )));
        }
        // Every database has the default workspace; the copy brings its own.
        let tables = table_names(&mut tx, database.dialect).await?;
        // An older schema does not have them all.
        let is_there = |table: &&CopiedTable| tables.iter().any(|name| name == table.name);
        for table in COPIED.iter().filter(is_there).filter(|table| table.name != "workspaces") {
            let sql = format!("SELECT 1 AS one FROM {} LIMIT 1", table.name);
            // Safe: a constant of this crate.
            if sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut *tx).await?.is_some() {
                return Err(DbError::Conflict(format!("the database is not empty: it has {}", table.name)));
            }
        }
        sqlx::query("DELETE FROM workspaces").execute(&mut *tx).await?;
        Ok(Restoring { database, tx, tables: BTreeMap::new() })
    }
}

impl Restoring {
    /// Puts a row in, as [`Snapshot::rows`](crate::Snapshot::rows) gave it.
    ///
    /// # Errors
    ///
    /// [`DbError::Rejected`] for a table or a column that is not known or is missing, and for a value of another kind;
    /// those of the database for a row that it does not take.
    pub async fn load(&mut self, table: &str, row: &str) -> Result<(), DbError> {
        let name = copied_table(table)?.name;
        let wrong = |why: String| DbError::Rejected(format!("a row of the table {name} {why}"));
        let row: Map<String, Value> =
            serde_json::from_str(row).map_err(|error| wrong(format!("is no JSON object: {error}")))?;
        if !self.tables.contains_key(name) {
            let columns = columns(&mut self.tx, self.database.dialect, name).await?;
            self.tables.insert(name, Filling::new(name, columns));
        }
        let Some(filling) = self.tables.get_mut(name) else { return Ok(()) };
        if let Some(unknown) =
            row.keys().find(|key| !filling.columns.iter().any(|column| column.name == **key))
        {
            return Err(wrong(format!("has a column {unknown:?}, which is not known")));
        }
        // Safe: the names are constants of this crate and those of the schema, quoted.
        let mut insert = sqlx::query(AssertSqlSafe(filling.insert.clone()));
        let mut row = row;
        for Column { name, kind } in &filling.columns {
            let value = row.remove(name).ok_or_else(|| wrong(format!("has no column {name}")))?;
            insert = kind
                .bind(insert, value)
                .ok_or_else(|| wrong(format!("has a value of another kind in its column {name}")))?;
        }
        insert.execute(&mut *self.tx).await?;
        filling.rows += 1;
        Ok(())
    }

    /// How many rows of the table were put in.
    pub fn loaded(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |filling| filling.rows)
    }

    /// Makes it so.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn commit(self) -> Result<(), DbError> {
        self.tx.commit().await?;
        self.database.close().await;
        Ok(())
    }
}

impl Filling {
    fn new(table: &str, columns: Vec<Column>) -> Self {
        let values = (1..=columns.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let insert = format!("INSERT INTO {table} ({}) VALUES ({values})", Column::list(&columns));
        Self { columns, insert, rows: 0 }
    }
}
