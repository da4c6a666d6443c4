//! Stores evaluation runs: the reports of a collection's measurements with their settings.
//!
//! Both are stored as the JSON that is reported: they are history, read by people and compared by name.

use domain::{CollectionId, EvalRunId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::documents::collections::lock_collection;
use crate::error::DbError;
use crate::{decode, encode};

macro_rules! columns {
    () => {
        "id, created_at, settings, report"
    };
}

/// One evaluation of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalRun {
    /// Its id.
    pub id: EvalRunId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The settings in effect.
    pub settings: Value,
    /// The measurements.
    pub report: Value,
}

impl Database {
    /// Stores a run.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such collection.
    pub async fn add_eval_run(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        settings: &Value,
        report: &Value,
    ) -> Result<EvalRun, DbError> {
        let mut tx = self.write().await?;
        lock_collection(&mut tx, workspace, collection).await?;
        let row = sqlx::query(concat!(
            "INSERT INTO eval_runs (id, workspace, collection, created_at, settings, report) ",
            "VALUES ($1, $2, $3, $4, $5, $6) RETURNING ",
            columns!()
        ))
        .bind(EvalRunId::new().to_string())
        .bind(workspace.to_string())
        .bind(collection.to_string())
        .bind(encode::now_ms())
        .bind(settings.to_string())
        .bind(report.to_string())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        decode_run(&row)
    }

    /// At most `limit` runs of the collection, newest first.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn eval_runs(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        limit: u32,
    ) -> Result<Vec<EvalRun>, DbError> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM eval_runs WHERE workspace = $1 AND collection = $2 ORDER BY created_at DESC, id DESC LIMIT $3"
        ))
        .bind(workspace.to_string())
        .bind(collection.to_string())
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_run)
        .collect()
    }
}

fn decode_run(row: &AnyRow) -> Result<EvalRun, DbError> {
    Ok(EvalRun {
        id: decode::id(row, "id")?,
        created_at: decode::time(row, "created_at")?,
        settings: decode::json(row, "settings")?,
        report: decode::json(row, "report")?,
    })
}
