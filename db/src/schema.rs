//! Reads the schema from the database itself: its tables, their columns, the kind of value each column holds, and the
//! last migration.

use serde_json::Value;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Row as _};

use crate::decode;
use crate::dialect::Dialect;
use crate::error::DbError;

/// Selects a row if documents, jobs or conversations were ever stored. What is deleted leaves its row.
pub(crate) const SELECT_ANY_DATA: &str =
    "SELECT id FROM documents UNION ALL SELECT id FROM jobs UNION ALL SELECT id FROM conversations LIMIT 1";

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
}

/// The kind of value a column holds, in either dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    Integer,
    Real,
}

impl Column {
    /// The quoted names of the columns, separated by commas.
    pub(crate) fn list(columns: &[Self]) -> String {
        columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
    }
}

impl ColumnKind {
    fn of(type_name: &str) -> Result<Self, DbError> {
        match type_name {
            "TEXT" | "text" => Ok(Self::Text),
            "INTEGER" | "bigint" => Ok(Self::Integer),
            "REAL" | "double precision" => Ok(Self::Real),
            other => {
                let why = format!("a column has the type `{other}`, which backups do not support");
                Err(DbError::Failed(why.into()))
            }
        }
    }

    /// Decodes the value of a column as JSON. A number with a fraction becomes text, because JSON parsers differ in its
    /// last digit.
    pub(crate) fn to_json(self, row: &AnyRow, at: usize) -> Result<Value, DbError> {
        Ok(match self {
            Self::Text => row.try_get::<Option<String>, _>(at)?.into(),
            Self::Integer => row.try_get::<Option<i64>, _>(at)?.into(),
            Self::Real => row.try_get::<Option<f64>, _>(at)?.map(|value| format!("{value:?}")).into(),
        })
    }

    /// Binds a value that [`to_json`](Self::to_json) returned; `None` for a value of another kind.
    pub(crate) fn bind<'q>(
        self,
        query: Query<'q, Any, AnyArguments>,
        value: Value,
    ) -> Option<Query<'q, Any, AnyArguments>> {
        Some(match (self, value) {
            (Self::Text, Value::Null) => query.bind(None::<String>),
            (Self::Text, Value::String(text)) => query.bind(text),
            (Self::Integer, Value::Null) => query.bind(None::<i64>),
            (Self::Integer, Value::Number(number)) => query.bind(number.as_i64()?),
            (Self::Real, Value::Null) => query.bind(None::<f64>),
            (Self::Real, Value::String(text)) => query.bind(text.parse::<f64>().ok()?),
            _ => return None,
        })
    }
}

/// The columns of a table, in order.
pub(crate) async fn columns(
    connection: &mut AnyConnection,
    dialect: Dialect,
    table: &str,
) -> Result<Vec<Column>, DbError> {
    let rows = sqlx::query(dialect.select_columns()).bind(table).fetch_all(connection).await?;
    let mut columns = Vec::with_capacity(rows.len());
    for row in &rows {
        let kind = ColumnKind::of(&decode::text(row, "type")?)?;
        columns.push(Column { name: decode::text(row, "name")?, kind });
    }
    Ok(columns)
}

/// The names of all tables.
pub(crate) async fn table_names(
    connection: &mut AnyConnection,
    dialect: Dialect,
) -> Result<Vec<String>, DbError> {
    let rows = sqlx::query(dialect.select_tables()).fetch_all(connection).await?;
    rows.iter().map(|row| decode::text(row, "name")).collect()
}

/// The number of the last migration that was applied; 0 if none was.
pub(crate) async fn last_migration(connection: &mut AnyConnection) -> Result<i64, DbError> {
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?;
    decode::number(&row, "version")
}
