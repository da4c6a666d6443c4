//! Jobs as people see them: queued, listed, called off, tried again. What workers do with them is in `job_leases.rs`.

use domain::{CollectionId, DocumentId, IngestStage, JobId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::collections::lock_collection;
use crate::rows::{self, count, now_ms, word};
use crate::text::require;
use crate::{Database, DbError};

macro_rules! columns {
    () => {
        "id, workspace, parent, collection, source, content_hash, tags, dated_at, forced, state, attempts, retries, run_at, progress, \
         error_code, error_message, document, created_at, updated_at"
    };
}
pub(crate) use columns;

/// The ingestion of one original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The tenant it belongs to.
    #[serde(skip, default = "default_workspace")]
    pub workspace: WorkspaceId,
    /// The job of the archive that its original came from.
    pub parent: Option<JobId>,
    /// The collection that the document goes to.
    pub collection: CollectionId,
    /// Where the original came from.
    pub source: String,
    /// SHA-256 of the original, lower-case hexadecimal; it is kept under this name.
    pub content_hash: String,
    /// The document's tags from then on; `None` where it keeps those it has.
    pub tags: Option<Vec<String>>,
    /// When the original was last changed, where that is known.
    pub dated_at: Option<Timestamp>,
    /// Whether the original is read even if the document is made of it already.
    pub forced: bool,
    /// Where it stands.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// How often it was put off because what it needs did not work.
    pub retries: u32,
    /// Before this it is not begun.
    pub run_at: Timestamp,
    /// How far it is, while it runs.
    pub progress: Option<IngestStage>,
    /// Why it failed; while it waits, why it was not done the last time.
    pub error: Option<JobError>,
    /// The document it made; an archive makes none itself.
    pub document: Option<DocumentId>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

fn default_workspace() -> WorkspaceId {
    WorkspaceId::DEFAULT
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting.
    Queued,
    /// Taken by a worker.
    Running,
    /// Its document is live; of an archive, its documents have jobs.
    Done,
    /// It cannot be done; the error says why.
    Failed,
    /// Somebody called it off, or its collection was deleted.
    Cancelled,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// One word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// A job to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// Where the original came from.
    pub source: String,
    /// SHA-256 of the original, lower-case hexadecimal.
    pub content_hash: String,
    /// The document's tags from then on; `None` where it keeps those it has.
    pub tags: Option<Vec<String>>,
    /// When the original was last changed, where that is known.
    pub dated_at: Option<Timestamp>,
    /// Read the original even if the document is made of it already.
    pub forced: bool,
}

/// Which jobs to list; `None` means whichever.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    /// Those that stand there.
    pub state: Option<JobState>,
    /// Older than that one.
    pub before: Option<JobId>,
    /// Those of the documents in this job's archive.
    pub parent: Option<JobId>,
}

/// A document in an archive: where it came from, and its original's hash, or why it cannot be unpacked.
pub type ArchiveMember = (String, Result<String, JobError>);

impl JobState {
    /// Whether it will not change by itself any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl Database {
    /// Queues a job.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] without such a collection, [`DbError::Rejected`] for a source that is empty or has a NUL.
    pub async fn enqueue_job(&self, new: NewJob) -> Result<Job, DbError> {
        require("source", &new.source)?;
        require("content hash", &new.content_hash)?;
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
        .bind(now_ms())
        .bind(i64::from(new.forced))
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        job(&row)
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
        job(&row.ok_or(DbError::NotFound("job"))?)
    }

    /// At most `limit` jobs of the workspace, newest first.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn jobs(
        &self,
        workspace: WorkspaceId,
        filter: JobFilter,
        limit: u32,
    ) -> Result<Vec<Job>, DbError> {
        let state = filter.state.as_ref().map(word).transpose()?;
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
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(job)
        .collect()
    }

    /// Calls a job off. Who works on it learns it when the lease is to be renewed.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, [`DbError::Conflict`] when it
    /// has ended.
    pub async fn cancel_job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, DbError> {
        self.turn_job(
            "UPDATE jobs SET state = 'cancelled', lease_until = NULL, progress = NULL, updated_at = $3 \
             WHERE workspace = $1 AND id = $2 AND state IN ('queued', 'running')",
            workspace,
            id,
            "the job has ended",
        )
        .await
    }

    /// Queues a job again that failed or was called off.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] when there is none with this id in the workspace, [`DbError::Conflict`] when it
    /// did not.
    pub async fn retry_job(&self, workspace: WorkspaceId, id: JobId) -> Result<Job, DbError> {
        self.turn_job(
            "UPDATE jobs SET state = 'queued', retries = 0, crashes = 0, run_at = $3, error_code = NULL, \
             error_message = NULL, updated_at = $3 \
             WHERE workspace = $1 AND id = $2 AND state IN ('failed', 'cancelled')",
            workspace,
            id,
            "the job has not failed",
        )
        .await
    }

    async fn turn_job(
        &self,
        update: &'static str,
        workspace: WorkspaceId,
        id: JobId,
        nothing_to_turn: &str,
    ) -> Result<Job, DbError> {
        let mut tx = self.write().await?;
        let turned = sqlx::query(update)
            .bind(workspace.to_string())
            .bind(id.to_string())
            .bind(now_ms())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let job = self.job(workspace, id).await?;
        match turned.rows_affected() {
            0 => Err(DbError::Conflict(nothing_to_turn.to_owned())),
            _ => Ok(job),
        }
    }
}

pub(crate) fn job(row: &AnyRow) -> Result<Job, DbError> {
    let code = rows::optional(row, "error_code")?;
    Ok(Job {
        id: rows::parsed(row, "id")?,
        workspace: rows::parsed(row, "workspace")?,
        parent: rows::optional(row, "parent")?,
        collection: rows::parsed(row, "collection")?,
        source: rows::text(row, "source")?,
        content_hash: rows::text(row, "content_hash")?,
        tags: rows::optional_json(row, "tags")?,
        dated_at: rows::optional_time(row, "dated_at")?,
        forced: rows::flag(row, "forced")?,
        state: rows::worded(row, "state")?,
        attempts: rows::number(row, "attempts")?,
        retries: rows::number(row, "retries")?,
        run_at: rows::time(row, "run_at")?,
        progress: rows::optional_json(row, "progress")?,
        error: match code {
            Some(code) => Some(JobError { code, message: rows::text(row, "error_message")? }),
            None => None,
        },
        document: rows::optional(row, "document")?,
        created_at: rows::time(row, "created_at")?,
        updated_at: rows::time(row, "updated_at")?,
    })
}
