//! What a check of the whole installation asks of SQL: is the database itself in order, what does it name, and what
//! became of the versions that somebody else knows of.

use std::collections::HashSet;

use domain::{JobId, VersionId, WorkspaceId};

use crate::database::Dialect;
use crate::rows::{self, count, now_ms};
use crate::text::replace_nul;
use crate::{Database, DbError, JobError, sqlite};

/// Waiting jobs that are read at a time.
const BATCH: u32 = 500;

/// A job that waits for its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingJob {
    /// Its id.
    pub id: JobId,
    /// Where the original came from.
    pub source: String,
    /// SHA-256 of the original.
    pub content_hash: String,
}

impl Database {
    /// What SQLite finds wrong with its own file, in its words: damaged pages, rows that refer to nothing. PostgreSQL
    /// looks after its own files.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn damages(&self) -> Result<Vec<String>, DbError> {
        if self.dialect == Dialect::Postgres {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for sql in [sqlite::INTEGRITY, sqlite::REFERENCES] {
            let rows = sqlx::query(sql).fetch_all(&self.reads).await?;
            for row in &rows {
                found.push(rows::text(row, "finding")?);
            }
        }
        found.retain(|finding| finding != "ok");
        Ok(found)
    }

    /// All tenants.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceId>, DbError> {
        let rows = sqlx::query("SELECT id FROM workspaces ORDER BY id").fetch_all(&self.reads).await?;
        rows.iter().map(|row| rows::parsed(row, "id")).collect()
    }

    /// Chunks of all live versions of the workspace.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn count_chunks(&self, workspace: WorkspaceId) -> Result<u64, DbError> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(chunk_count), 0) AS BIGINT) AS chunks FROM versions \
             WHERE workspace = $1 AND state = 'live'",
        )
        .bind(workspace.to_string())
        .fetch_one(&self.reads)
        .await?;
        rows::number(&row, "chunks")
    }

    /// Whether chunks of this version may be in the vector store: it answers, is being made, or they are about to be removed.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn may_have_chunks(&self, workspace: WorkspaceId, version: VersionId) -> Result<bool, DbError> {
        let known = sqlx::query(
            "SELECT id FROM versions WHERE workspace = $1 AND id = $2 \
             AND NOT (state = 'superseded' AND chunks_removed = 1)",
        )
        .bind(workspace.to_string())
        .bind(version.to_string())
        .fetch_optional(&self.reads)
        .await?;
        Ok(known.is_some())
    }

    /// SHA-256 of every original that a version or a job names.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn original_hashes(&self) -> Result<HashSet<String>, DbError> {
        let rows = sqlx::query("SELECT content_hash FROM versions UNION SELECT content_hash FROM jobs")
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(|row| rows::text(row, "content_hash")).collect()
    }

    /// SHA-256 of the originals of live versions, each once.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn live_original_hashes(&self) -> Result<Vec<String>, DbError> {
        let rows = sqlx::query("SELECT DISTINCT content_hash FROM versions WHERE state = 'live'")
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(|row| rows::text(row, "content_hash")).collect()
    }

    /// The next jobs that wait, of all workspaces, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn waiting_jobs_after(&self, after: Option<JobId>) -> Result<Vec<WaitingJob>, DbError> {
        let rows = sqlx::query(
            "SELECT id, source, content_hash FROM jobs WHERE state = 'queued' AND id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(count(BATCH))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(WaitingJob {
                    id: rows::parsed(row, "id")?,
                    source: rows::text(row, "source")?,
                    content_hash: rows::text(row, "content_hash")?,
                })
            })
            .collect()
    }

    /// Ends a job that waits with the reason why it cannot be done.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no such job waits.
    pub async fn fail_waiting_job(&self, id: JobId, error: JobError) -> Result<(), DbError> {
        let fail = sqlx::query(
            "UPDATE jobs SET state = 'failed', error_code = $3, error_message = $4, updated_at = $2 \
             WHERE id = $1 AND state = 'queued'",
        )
        .bind(id.to_string())
        .bind(now_ms())
        .bind(replace_nul(&error.code).into_owned())
        .bind(replace_nul(&error.message).into_owned());
        self.change(fail, "job that waits").await
    }
}
