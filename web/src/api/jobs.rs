//! Jobs: documents on their way in.

use domain::{CollectionId, DocumentId, JobId};
use jiff::Timestamp;
use locales::Locale;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::errors::ErrorEvent;
use crate::api::events::stream_events;
use crate::localized_text::LocalizedText;

/// The ingestion of one original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: JobId,
    /// The job of the archive that holds the original; `null` for an original of its own.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub parent: Option<JobId>,
    /// The collection that the document goes to.
    #[schema(value_type = Uuid)]
    pub collection: CollectionId,
    /// Where the original came from.
    pub source: String,
    /// SHA-256 of the original, lower-case hexadecimal.
    pub content_hash: String,
    /// The document's tags from then on; `null`: it keeps those it has.
    #[schema(required = true)]
    pub tags: Option<Vec<String>>,
    /// When the original was last changed; `null` where that is not known.
    #[schema(required = true)]
    pub dated_at: Option<Timestamp>,
    /// Whether the original is ingested even if the document is made of it already.
    pub forced: bool,
    /// Where it stands.
    pub state: JobState,
    /// How often it was started.
    pub attempts: u32,
    /// How often it was postponed because something that it needs did not work.
    pub retries: u32,
    /// It does not start before this.
    pub run_at: Timestamp,
    /// How far it is, while it runs.
    #[schema(required = true)]
    pub progress: Option<IngestStage>,
    /// Why it failed; while it is queued, why its last attempt ended.
    #[schema(required = true)]
    pub error: Option<JobError>,
    /// The document it made; an archive makes none itself.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub document: Option<DocumentId>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits.
    Queued,
    /// A worker has it.
    Running,
    /// Its document is live; of an archive, its documents have jobs.
    Done,
    /// It cannot be done; the error says why.
    Failed,
    /// It was cancelled, or its collection was deleted.
    Cancelled,
}

/// How far the ingestion of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum IngestStage {
    /// It is parsed and cut into chunks.
    #[serde(rename = "reading")]
    Parsing,
    /// Its chunks are embedded and stored.
    Embedding {
        /// Number of chunks that are stored.
        done: u32,
        /// Number of chunks in all.
        total: u32,
    },
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// For programs; the same between releases.
    pub code: String,
    /// For people.
    pub message: String,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobReply {
    /// The job.
    pub job: Job,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The jobs, newest first.
    pub jobs: Vec<Job>,
    /// The `before` of the next page; `null` on the last one.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub next: Option<JobId>,
}

/// Which jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// Only jobs in this state.
    #[param(inline)]
    pub state: Option<JobState>,
    /// Only jobs older than this one: the `next` of the page before.
    #[param(value_type = Option<Uuid>)]
    pub before: Option<JobId>,
    /// Only jobs of the documents in this job's archive.
    #[param(value_type = Option<Uuid>)]
    pub parent: Option<JobId>,
    /// Maximum number of jobs, 1 to 200.
    pub limit: Option<u32>,
}

stream_events! {
    /// What happens to a job, until it has ended.
    pub enum JobEvent {
        /// The job has changed; the first event is the job as it is.
        "job" => Job(JobReply),
        /// The job cannot be followed any more. Nothing follows.
        "error" => Error(ErrorEvent),
    }
}

impl JobState {
    /// Whether the job has ended: only a retry changes it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl Job {
    /// The job with its error in this language.
    pub(crate) fn localized(self, locale: Locale) -> Self {
        Self { error: self.error.map(|error| error.localized(locale)), ..self }
    }
}

impl JobError {
    /// Errors are stored in English; in other languages the code speaks for them.
    fn localized(self, locale: Locale) -> Self {
        let message = LocalizedText::english(&self.code, self.message).localized(locale);
        Self { message, ..self }
    }
}

impl JobReply {
    /// A reply in this language.
    pub(crate) fn new(job: db::Job, locale: Locale) -> Self {
        Self { job: Job::from(job).localized(locale) }
    }
}

impl From<db::Job> for Job {
    fn from(job: db::Job) -> Self {
        Self {
            id: job.id,
            parent: job.parent,
            collection: job.collection,
            source: job.source,
            content_hash: job.content_hash,
            tags: job.tags,
            dated_at: job.dated_at,
            forced: job.forced,
            state: job.state.into(),
            attempts: job.attempts,
            retries: job.retries,
            run_at: job.run_at,
            progress: job.progress.map(IngestStage::from),
            error: job.error.map(JobError::from),
            document: job.document,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

impl From<db::JobState> for JobState {
    fn from(state: db::JobState) -> Self {
        match state {
            db::JobState::Queued => Self::Queued,
            db::JobState::Running => Self::Running,
            db::JobState::Succeeded => Self::Done,
            db::JobState::Failed => Self::Failed,
            db::JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<JobState> for db::JobState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Done => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<domain::IngestStage> for IngestStage {
    fn from(stage: domain::IngestStage) -> Self {
        match stage {
            domain::IngestStage::Parsing => Self::Parsing,
            domain::IngestStage::Embedding { done, total } => Self::Embedding { done, total },
        }
    }
}

impl From<db::JobError> for JobError {
    fn from(error: db::JobError) -> Self {
        Self { code: error.code, message: error.message }
    }
}
