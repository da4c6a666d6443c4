//! Ingestion jobs: their states, their errors, and how their rows are decoded.

use domain::{CollectionId, DocumentId, IngestStage, JobId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::decode;
use crate::error::DbError;

/// Columns of a job, for [`decode_job`].
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
    /// The job of the archive that contains its original.
    pub parent: Option<JobId>,
    /// The collection that the document goes to.
    pub collection: CollectionId,
    /// Where the original came from.
    pub source: String,
    /// SHA-256 of the original, lower-case hexadecimal; the original is stored under this name.
    pub content_hash: String,
    /// The tags to give the document; `None` keeps its tags.
    pub tags: Option<Vec<String>>,
    /// When the original was last changed, if known.
    pub dated_at: Option<Timestamp>,
    /// Whether to ingest the original even if the document is up to date with it.
    pub forced: bool,
    /// Its state.
    pub state: JobState,
    /// How often a worker claimed it.
    pub attempts: u32,
    /// How often it was postponed because of a temporary failure.
    pub retries: u32,
    /// Workers do not claim it before this time.
    pub run_at: Timestamp,
    /// Its progress, while it runs.
    pub progress: Option<IngestStage>,
    /// Why it failed; while it is queued, why the last attempt failed.
    pub error: Option<JobError>,
    /// The document that it ingested; an archive itself has none.
    pub document: Option<DocumentId>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

fn default_workspace() -> WorkspaceId {
    WorkspaceId::DEFAULT
}

/// A job's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker.
    Queued,
    /// Claimed by a worker.
    Running,
    /// Its document is live; for an archive, its documents have jobs of their own.
    #[serde(rename = "done")]
    Succeeded,
    /// Ingestion failed; the error says why.
    Failed,
    /// Somebody cancelled it, or its collection was deleted.
    Cancelled,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// A stable code, for programs.
    pub code: String,
    /// A message, for people.
    pub message: String,
}

/// A job to queue.
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
    /// The tags to give the document; `None` keeps its tags.
    pub tags: Option<Vec<String>>,
    /// When the original was last changed, if known.
    pub dated_at: Option<Timestamp>,
    /// Ingest the original even if the document is up to date with it.
    pub forced: bool,
}

/// Which jobs to list; `None` sets no condition.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs older than this one.
    pub before: Option<JobId>,
    /// Only jobs of the documents in this job's archive.
    pub parent: Option<JobId>,
}

/// A document in an archive: its source, and the hash of its original or the reason why it cannot be unpacked.
pub type ArchiveMember = (String, Result<String, JobError>);

impl JobState {
    /// Whether the job has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

pub(crate) fn decode_job(row: &AnyRow) -> Result<Job, DbError> {
    let code = decode::optional_text(row, "error_code")?;
    Ok(Job {
        id: decode::id(row, "id")?,
        workspace: decode::id(row, "workspace")?,
        parent: decode::optional_id(row, "parent")?,
        collection: decode::id(row, "collection")?,
        source: decode::text(row, "source")?,
        content_hash: decode::text(row, "content_hash")?,
        tags: decode::optional_json(row, "tags")?,
        dated_at: decode::optional_time(row, "dated_at")?,
        forced: decode::flag(row, "forced")?,
        state: decode::word(row, "state")?,
        attempts: decode::number(row, "attempts")?,
        retries: decode::number(row, "retries")?,
        run_at: decode::time(row, "run_at")?,
        progress: decode::optional_json(row, "progress")?,
        error: match code {
            Some(code) => Some(JobError { code, message: decode::text(row, "error_message")? }),
            None => None,
        },
        document: decode::optional_id(row, "document")?,
        created_at: decode::time(row, "created_at")?,
        updated_at: decode::time(row, "updated_at")?,
    })
}
