//! Reports what a sync did: one event per file or page, and a summary.

use domain::IngestStage;
use serde::{Deserialize, Serialize};

use crate::error::IngestError;
use crate::versions::item::{Ingested, Outcome};

/// An event of a sync.
#[derive(Debug, Clone, PartialEq)]
pub enum SyncEvent {
    /// The folder was listed.
    Found {
        /// Number of files.
        files: usize,
    },
    /// A file has reached a stage.
    Progress {
        /// Its source.
        source: String,
        /// The stage.
        stage: IngestStage,
    },
    /// A file or page is ingested.
    Finished {
        /// Its source.
        source: String,
        /// What was done.
        outcome: Outcome,
        /// Chunks written for it; 0 where nothing had changed.
        chunks_written: u32,
    },
    /// A file or page could not be ingested.
    Failed(FailedSource),
    /// A document whose file or page is gone was deleted.
    Removed {
        /// Its source.
        source: String,
    },
}

/// The summary of a sync.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IngestReport {
    /// New documents.
    pub added: u64,
    /// Documents with a new version.
    pub updated: u64,
    /// Files that only changed their path.
    pub moved: u64,
    /// Files that had not changed.
    pub unchanged: u64,
    /// Documents deleted because their file is gone.
    pub removed: u64,
    /// Chunks written.
    pub chunks: u64,
    /// Duration.
    pub seconds: f64,
    /// Files that could not be ingested, and why.
    pub failed: Vec<FailedSource>,
}

/// A source that could not be ingested, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSource {
    /// Its absolute path, its URL, or its name.
    pub source: String,
    /// [`IngestError::code`].
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl IngestReport {
    /// Whether nothing was changed and nothing failed.
    pub fn is_idle(&self) -> bool {
        self.added + self.updated + self.moved + self.removed == 0 && self.failed.is_empty()
    }

    /// Adds the result of one document.
    ///
    /// # Errors
    /// Those that concern every document ([`IngestError::concerns_every_document`]); others are in the report.
    pub fn add(
        &mut self,
        source: String,
        ingested: Result<Ingested, IngestError>,
    ) -> Result<(), IngestError> {
        match ingested {
            Ok(ingested) => {
                self.added += u64::from(ingested.outcome == Outcome::Added);
                self.updated += u64::from(ingested.outcome == Outcome::Updated);
                self.unchanged += u64::from(ingested.outcome == Outcome::Unchanged);
                self.chunks += u64::from(ingested.chunks_written());
            }
            Err(error) if error.concerns_every_document() => return Err(error),
            Err(error) => self.failed.push(FailedSource::new(source, &error)),
        }
        Ok(())
    }

    /// Adds the report of another sync.
    pub fn merge(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.moved += other.moved;
        self.unchanged += other.unchanged;
        self.removed += other.removed;
        self.chunks += other.chunks;
        self.seconds += other.seconds;
        self.failed.extend(other.failed);
    }
}

impl FailedSource {
    pub(crate) fn new(source: String, error: &IngestError) -> Self {
        Self { source, code: error.code().to_owned(), message: error.message() }
    }
}
