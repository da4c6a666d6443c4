//! Queues, lists, cancels and retries jobs. `leases.rs` is the workers' side.

use domain::{JobId, WorkspaceId};

use crate::database::Database;
use crate::documents::collections::lock_collection;
use crate::encode;
use crate::error::DbError;
use crate::jobs::job::{Job, JobFilter, NewJob, columns, decode_job};
use crate::stored_text::require_text;

impl Database {
    /// Queues a job.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is no such collection, [`DbError::Rejected`] for a source that is empty or has a
    /// NUL.
    pub async fn enqueue_job(&self, new: NewJob) -> Result<Job, DbError> {
        require_text("source", &new.source)?;
        require_text("content hash", &new.content_hash)?;
        let tags = new.tags.as_ref().map(serde_json::to_string).transpose()?;
        let mut tx = self.write().await?;
        lock_collection(&mut tx, new.workspace, new.collection).await?;
        let row = sqlx::query(concat!(
            "INSERT INTO jobs (id, workspace, collection, source, content_hash, tags, dated_at, forced, state, run_at, ",
            "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $9, 'queued', $8, $8, $8) RETURNING ",
            columns!()
        ))
        .bind(JobId::new().to_string())
        .bind(new.workspace.to_string())
        .bind(new.collection.to_string())
        .bind(new.source)
        .bind(new.content_hash)
        .bind(tags)
        .bind(new.dated_at.map(|date| date.as_millisecond()))
        .bind(encode::now_ms())
        .bind(i64::from(new.forced))
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        decode_job(&row)
    }

    /// One job.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace.
    pub async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, DbError> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM jobs WHERE workspace = $1 AND id = $2"))
            .bind(workspace.to_string())
            .bind(id.to_string())
            .fetch_optional(&self.reads)
            .await?;
        decode_job(&row.ok_or(DbError::NotFound("job"))?)
    }

    /// At most `limit` jobs of the workspace, newest first.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn jobs(
        &self,
        workspace: WorkspaceId,
        filter: JobFilter,
        limit: u32,
    ) -> Result<Vec<Job>, DbError> {
        let state = filter.state.as_ref().map(encode::word).transpose()?;
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE workspace = $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR ",
            "(created_at, id) < (SELECT b.created_at, b.id FROM jobs b WHERE b.workspace = $1 AND b.id = $3)) ",
            "AND ($4 = '' OR parent = $4) ORDER BY created_at DESC, id DESC LIMIT $5"
        ))
        .bind(workspace.to_string())
        .bind(state.unwrap_or_default())
        .bind(filter.before.map(|id| id.to_string()).unwrap_or_default())
        .bind(filter.parent.map(|id| id.to_string()).unwrap_or_default())
        .bind(encode::integer(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(decode_job)
        .collect()
    }

    /// Cancels a job. Its worker stops when it renews the lease.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, [`DbError::Conflict`] when it
    /// has ended.
    pub async fn cancel_job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, DbError> {
        self.change_job_state(
            "UPDATE jobs SET state = 'cancelled', lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE workspace = $1 AND id = $2 AND state IN ('queued', 'running')",
            workspace,
            id,
            "the job has already ended",
        )
        .await
    }

    /// Queues a failed or cancelled job again.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, [`DbError::Conflict`] when it is in another
    /// state.
    pub async fn retry_job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, DbError> {
        self.change_job_state(
            "UPDATE jobs SET state = 'queued', retries = 0, crashes = 0, run_at = $3, error_code = NULL, \
             error_message = NULL, updated_at = $3 \
             WHERE workspace = $1 AND id = $2 AND state IN ('failed', 'cancelled')",
            workspace,
            id,
            "the job has neither failed nor been cancelled",
        )
        .await
    }

    async fn change_job_state(
        &self,
        update: &'static str,
        workspace: WorkspaceId,
        id: JobId,
        conflict: &str,
    ) -> Result<Job, DbError> {
        let mut tx = self.write().await?;
        let changed = sqlx::query(update)
            .bind(workspace.to_string())
            .bind(id.to_string())
            .bind(encode::now_ms())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let job = self.job(workspace, id).await?;
        match changed.rows_affected() {
            0 => Err(DbError::Conflict(conflict.to_owned())),
            _ => Ok(job),
        }
    }
}
