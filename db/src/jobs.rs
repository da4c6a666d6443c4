//! Jobs: originals that wait to be ingested, in the order in which they came.

use domain::{CollectionId, DocumentId, JobId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::collections::lock_collection;
use crate::database::Dialect;
use crate::rows::{self, count, now_ms};
use crate::text::{replace_nul, require};
use crate::{Database, DbError, postgres, sqlite};

/// A job that a dying process left behind this often is what kills it.
const MAX_ATTEMPTS: u32 = 3;

macro_rules! columns {
    () => {
        "id, workspace, collection, source, content_hash, tags, dated_at, state, attempts, error_code, error_message, \
         document, created_at, updated_at"
    };
}

/// The ingestion of one original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The tenant it belongs to.
    #[serde(skip)]
    pub workspace: WorkspaceId,
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
    /// Where it stands.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<JobError>,
    /// The document it made.
    pub document: Option<DocumentId>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting.
    Queued,
    /// Taken by a worker.
    Running,
    /// Its document is live.
    Done,
    /// It cannot be done; the error says why.
    Failed,
    /// Its collection was deleted before it began.
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
            "INSERT INTO jobs (id, workspace, collection, source, content_hash, tags, dated_at, state, created_at, ",
            "updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $8) RETURNING ", columns!()
        ))
        .bind(JobId::new().to_string())
        .bind(new.workspace.to_string())
        .bind(new.collection.to_string())
        .bind(new.source)
        .bind(new.content_hash)
        .bind(tags)
        .bind(new.dated_at.map(|date| date.as_millisecond()))
        .bind(now_ms())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        job(&row)
    }

    /// Takes the oldest queued job of any workspace, or `None`. Two callers never get the same one.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn claim_job(&self) -> Result<Option<Job>, DbError> {
        let skip_claimed = match self.dialect {
            Dialect::Sqlite => sqlite::SKIP_LOCKED,
            Dialect::Postgres => postgres::SKIP_LOCKED,
        };
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = $1 WHERE id = \
             (SELECT id FROM jobs WHERE state = 'queued' ORDER BY created_at, id LIMIT 1{skip_claimed}) RETURNING {}",
            columns!()
        );
        let mut tx = self.write().await?;
        // Safe: both parts are constants of this crate.
        let row = sqlx::query(AssertSqlSafe(sql)).bind(now_ms()).fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        row.as_ref().map(job).transpose()
    }

    /// Ends a running job with the document it made.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] without such a job, [`DbError::Conflict`] when it is not running.
    pub async fn complete_job(&self, id: JobId, document: DocumentId) -> Result<(), DbError> {
        self.end_job(
            sqlx::query(
                "UPDATE jobs SET state = 'done', document = $3, updated_at = $2 WHERE id = $1 AND state = 'running'",
            )
            .bind(id.to_string())
            .bind(now_ms())
            .bind(document.to_string()),
            id,
        )
        .await
    }

    /// Ends a running job with the reason why it cannot be done.
    ///
    /// # Errors
    ///
    /// [`DbError::NotFound`] without such a job, [`DbError::Conflict`] when it is not running.
    pub async fn fail_job(&self, id: JobId, error: JobError) -> Result<(), DbError> {
        self.end_job(
            sqlx::query(
                "UPDATE jobs SET state = 'failed', error_code = $3, error_message = $4, updated_at = $2 \
                 WHERE id = $1 AND state = 'running'",
            )
            .bind(id.to_string())
            .bind(now_ms())
            .bind(replace_nul(&error.code).into_owned())
            .bind(replace_nul(&error.message).into_owned()),
            id,
        )
        .await
    }

    async fn end_job(
        &self,
        update: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
        id: JobId,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        if update.execute(&mut *tx).await?.rows_affected() == 1 {
            return Ok(tx.commit().await?);
        }
        let known = sqlx::query("SELECT id FROM jobs WHERE id = $1").bind(id.to_string());
        Err(match known.fetch_optional(&mut *tx).await? {
            Some(_) => DbError::Conflict("the job is not running".to_owned()),
            None => DbError::NotFound("job"),
        })
    }

    /// Queues again what a process that died left running, and gives their number. A job that this happened to three
    /// times fails with the code `crashed` instead. To be called at start, by the one process that works on jobs.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn requeue_running_jobs(&self) -> Result<u64, DbError> {
        let mut tx = self.write().await?;
        let now = now_ms();
        sqlx::query(
            "UPDATE jobs SET state = 'failed', updated_at = $1, error_code = 'crashed', \
             error_message = 'the server died each time it worked on this' \
             WHERE state = 'running' AND attempts >= $2",
        )
        .bind(now)
        .bind(count(MAX_ATTEMPTS))
        .execute(&mut *tx)
        .await?;
        let requeued =
            sqlx::query("UPDATE jobs SET state = 'queued', updated_at = $1 WHERE state = 'running'")
                .bind(now)
                .execute(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(requeued.rows_affected())
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
    pub async fn jobs(&self, workspace: WorkspaceId, limit: u32) -> Result<Vec<Job>, DbError> {
        sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE workspace = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
        ))
        .bind(workspace.to_string())
        .bind(count(limit))
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(job)
        .collect()
    }
}

fn job(row: &AnyRow) -> Result<Job, DbError> {
    let code = rows::optional(row, "error_code")?;
    Ok(Job {
        id: rows::parsed(row, "id")?,
        workspace: rows::parsed(row, "workspace")?,
        collection: rows::parsed(row, "collection")?,
        source: rows::text(row, "source")?,
        content_hash: rows::text(row, "content_hash")?,
        tags: rows::optional_json(row, "tags")?,
        dated_at: rows::optional_time(row, "dated_at")?,
        state: rows::worded(row, "state")?,
        attempts: rows::number(row, "attempts")?,
        error: match code {
            Some(code) => Some(JobError { code, message: rows::text(row, "error_message")? }),
            None => None,
        },
        document: rows::optional(row, "document")?,
        created_at: rows::time(row, "created_at")?,
        updated_at: rows::time(row, "updated_at")?,
    })
}
