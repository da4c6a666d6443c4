//! The rebuild of the vector index.

use locales::Locale;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::ingest_report::FailedSource;

/// What to build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReindexRequest {
    /// A catalog id, or the path of a folder on the server. Without it: the embedder of an unfinished build, or the one in
    /// use.
    #[schema(min_length = 1, max_length = 4096)]
    pub embedder: Option<String>,
}

/// How the rebuild stands, or how the last one ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReindexStatus {
    /// There was none since the server started.
    Idle,
    /// It runs. The index before it answers questions.
    Running {
        /// The new index's embedder.
        embedder: String,
        /// Number of documents done.
        done: u64,
        /// Number of documents in all; 0 until they are counted.
        total: u64,
    },
    /// It ended; the report says whether the new index answers.
    Done {
        /// What was done.
        report: ReindexReport,
    },
    /// It was given up. What is built is kept, and the next rebuild with this embedder resumes it.
    Failed {
        /// Why.
        message: String,
    },
}

/// What a rebuild did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReindexReport {
    /// Number of documents in the new index.
    pub documents: u64,
    /// Number of their chunks.
    pub chunks: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Whether the new index answers now; if not, the old one does.
    pub switched: bool,
    /// Documents that are not in the new index.
    pub failed: Vec<FailedSource>,
}

impl ReindexStatus {
    /// The status with the failures of its report in this language.
    pub(crate) fn localized(self, locale: Locale) -> Self {
        match self {
            Self::Done { report } => {
                let failed = report.failed.into_iter().map(|failed| failed.localized(locale)).collect();
                Self::Done { report: ReindexReport { failed, ..report } }
            }
            other => other,
        }
    }
}

impl From<service::indexes::ReindexStatus> for ReindexStatus {
    fn from(status: service::indexes::ReindexStatus) -> Self {
        use service::indexes::ReindexStatus as Status;
        match status {
            Status::Idle => Self::Idle,
            Status::Running { embedder, done, total } => Self::Running { embedder, done, total },
            Status::Done { report } => Self::Done { report: report.into() },
            Status::Failed { message } => Self::Failed { message },
        }
    }
}

impl From<ingest::ReindexReport> for ReindexReport {
    fn from(report: ingest::ReindexReport) -> Self {
        let ingest::ReindexReport { documents, chunks, seconds, switched, failed } = report;
        Self {
            documents,
            chunks,
            seconds,
            switched,
            failed: failed.into_iter().map(FailedSource::from).collect(),
        }
    }
}
