//! Answers the questions of `doctor`: whether the database file is intact, which originals it names, and which versions may
//! have chunks.

use std::collections::HashSet;

use domain::{JobId, VersionId, WorkspaceId};

use crate::database::Database;
use crate::error::DbError;
use crate::jobs::job::JobError;
use crate::stored_text::replace_nul;
use crate::{decode, encode};

/// Number of queued jobs to read at a time.
const BATCH: u32 = 500;

/// A queued job, by its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedJob {
    /// Its id.
    pub id: JobId,
    /// The original's source.
    pub source: String,
    /// SHA-256 of the original.
    pub content_hash: String,
}

impl Database {
    /// Checks a SQLite file, and returns SQLite's findings: damaged pages, rows that refer to nothing. PostgreSQL checks its
    /// own files, so there are none.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn integrity_findings(&self) -> Result<Vec<String>, DbError> {
        let mut found = Vec::new();
        for sql in self.dialect.integrity_checks() {
            let rows = sqlx::query(*sql).fetch_all(&self.reads).await?;
            for row in &rows {
                found.push(decode::text(row, "finding")?);
            }
        }
        found.retain(|finding| finding != "ok");
        Ok(found)
    }

    /// Number of chunks of all live versions of the workspace.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn count_chunks(&self, workspace: WorkspaceId) -> Result<u64, DbError> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(chunk_count), 0) AS BIGINT) AS chunks FROM versions \
             WHERE workspace = $1 AND state = 'live'",
        )
        .bind(workspace.to_string())
        .fetch_one(&self.reads)
        .await?;
        decode::number(&row, "chunks")
    }

    /// Whether chunks of this version may be in the vector store: it is live or pending, or they await removal.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn may_have_chunks(&self, workspace: WorkspaceId, version: VersionId) -> Result<bool, DbError> {
        let row = sqlx::query(
            "SELECT id FROM versions WHERE workspace = $1 AND id = $2 \
             AND NOT (state = 'superseded' AND chunks_removed = 1)",
        )
        .bind(workspace.to_string())
        .bind(version.to_string())
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.is_some())
    }

    /// SHA-256 of every original that a version or a job refers to.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn original_hashes(&self) -> Result<HashSet<String>, DbError> {
        let rows = sqlx::query("SELECT content_hash FROM versions UNION SELECT content_hash FROM jobs")
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(|row| decode::text(row, "content_hash")).collect()
    }

    /// SHA-256 of the originals of live versions, each once.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn live_original_hashes(&self) -> Result<Vec<String>, DbError> {
        let rows = sqlx::query("SELECT DISTINCT content_hash FROM versions WHERE state = 'live'")
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(|row| decode::text(row, "content_hash")).collect()
    }

    /// The next queued jobs of all workspaces, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn queued_jobs_after(&self, after: Option<JobId>) -> Result<Vec<QueuedJob>, DbError> {
        let rows = sqlx::query(
            "SELECT id, source, content_hash FROM jobs WHERE state = 'queued' AND id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(encode::integer(BATCH))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(QueuedJob {
                    id: decode::id(row, "id")?,
                    source: decode::text(row, "source")?,
                    content_hash: decode::text(row, "content_hash")?,
                })
            })
            .collect()
    }

    /// Fails a queued job with the reason.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when no such job is queued.
    pub async fn fail_queued_job(&self, id: JobId, error: JobError) -> Result<(), DbError> {
        let fail = sqlx::query(
            "UPDATE jobs SET state = 'failed', error_code = $3, error_message = $4, updated_at = $2 \
             WHERE id = $1 AND state = 'queued'",
        )
        .bind(id.to_string())
        .bind(encode::now_ms())
        .bind(replace_nul(&error.code).into_owned())
        .bind(replace_nul(&error.message).into_owned());
        self.change(fail, "queued job").await
    }
}
