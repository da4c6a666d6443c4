//! What the database itself says of its tables: their names, their columns, and what kind of value each column holds.

use serde_json::Value;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Row as _};

use crate::database::Dialect;
use crate::{DbError, postgres, rows, sqlite};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a column holds, whatever its dialect calls that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Real,
}

impl Column {
    /// The columns as a statement lists them.
    pub(crate) fn list(columns: &[Self]) -> String {
        columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
    }
}

impl Kind {
    fn of(type_name: &str) -> Result<Self, DbError> {
        match type_name {
            "TEXT" | "text" => Ok(Self::Text),
            "INTEGER" | "bigint" => Ok(Self::Integer),
            "REAL" | "double precision" => Ok(Self::Real),
            other => Err(DbError::Failed(format!("a column has the type {other}, which no copy holds"))),
        }
    }

    /// The value of a column as JSON. A number with a fraction is text, because readers of JSON differ in its last digit.
    pub(crate) fn read(self, row: &AnyRow, at: usize) -> Result<Value, DbError> {
        Ok(match self {
            Self::Text => row.try_get::<Option<String>, _>(at)?.into(),
            Self::Integer => row.try_get::<Option<i64>, _>(at)?.into(),
            Self::Real => row.try_get::<Option<f64>, _>(at)?.map(|value| format!("{value:?}")).into(),
        })
    }

    /// The inverse of [`read`](Self::read); `None` for a value of another kind.
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
    let sql = match dialect {
        Dialect::Sqlite => sqlite::COLUMNS,
        Dialect::Postgres => postgres::COLUMNS,
    };
    sqlx::query(sql)
        .bind(table)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok(Column { name: rows::text(row, "name")?, kind: Kind::of(&rows::text(row, "type")?)? }))
        .collect()
}

/// The names of all tables.
pub(crate) async fn table_names(
    connection: &mut AnyConnection,
    dialect: Dialect,
) -> Result<Vec<String>, DbError> {
    let sql = match dialect {
        Dialect::Sqlite => sqlite::TABLES,
        Dialect::Postgres => postgres::TABLES,
    };
    let found = sqlx::query(sql).fetch_all(connection).await?;
    found.iter().map(|row| rows::text(row, "name")).collect()
}
