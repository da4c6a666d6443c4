//! Evaluation runs: what the measurements of a collection gave, and the settings they were made with.
//!
//! Both are stored as the JSON that they are reported as: they are history, read by people and compared by name.

use domain::{CollectionId, EvalRunId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::collections::lock_collection;
use crate::rows::{self, count, now_ms};
use crate::{Database, DbError};

macro_rules! columns {
    () => {
        "id, created_at, settings, report"
    };
}

/// One measurement of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalRun {
    /// Its id.
    pub id: EvalRunId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The settings in effect.
    pub settings: Value,
    /// What was measured.
    pub report: Value,
}

impl Database {
    /// Stores what a measurement gave.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] without such a collection.
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
        .bind(now_ms())
        .bind(settings.to_string())
        .bind(report.to_string())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        run(&row)
    }

    /// At most `limit` measurements of the collection, newest first.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
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
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(run)
        .collect()
    }
}

fn run(row: &AnyRow) -> Result<EvalRun, DbError> {
    Ok(EvalRun {
        id: rows::parsed(row, "id")?,
        created_at: rows::time(row, "created_at")?,
        settings: rows::json(row, "settings")?,
        report: rows::json(row, "report")?,
    })
}
