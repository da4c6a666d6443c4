//! What was done with the documents of a site, a folder or an index.

use locales::Locale;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::localized_text::LocalizedText;

/// What was done with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The document is new.
    Added,
    /// The document has a new version.
    Updated,
    /// The document is as it was.
    Unchanged,
}

/// A source that was not ingested, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedSource {
    /// The source.
    pub source: String,
    /// For programs; the same between releases.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What was done with the documents of a site or a folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IngestReport {
    /// Number of new documents.
    pub added: u64,
    /// Number of documents with a new version.
    pub updated: u64,
    /// Number of documents whose source only changed its name.
    pub moved: u64,
    /// Number of documents that were up to date.
    pub unchanged: u64,
    /// Number of documents that were deleted because their source is gone.
    pub removed: u64,
    /// Number of chunks that were stored.
    pub chunks: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Sources that were not ingested.
    pub failed: Vec<FailedSource>,
}

impl IngestReport {
    /// The report with its failures in this language.
    pub(crate) fn localized(self, locale: Locale) -> Self {
        let failed = self.failed.into_iter().map(|failed| failed.localized(locale)).collect();
        Self { failed, ..self }
    }

    /// Whether nothing had to be done.
    pub fn is_idle(&self) -> bool {
        self.added + self.updated + self.moved + self.removed == 0 && self.failed.is_empty()
    }

    /// Adds what was done with another folder or site.
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
    /// Parsers and web servers report in English; in other languages the code speaks for them.
    #[must_use]
    pub fn localized(self, locale: Locale) -> Self {
        let message = LocalizedText::english(&self.code, self.message).localized(locale);
        Self { message, ..self }
    }
}

impl From<ingest::Outcome> for Outcome {
    fn from(outcome: ingest::Outcome) -> Self {
        match outcome {
            ingest::Outcome::Added => Self::Added,
            ingest::Outcome::Updated => Self::Updated,
            ingest::Outcome::Unchanged => Self::Unchanged,
        }
    }
}

impl From<ingest::FailedSource> for FailedSource {
    fn from(failed: ingest::FailedSource) -> Self {
        let ingest::FailedSource { source, code, message } = failed;
        Self { source, code, message }
    }
}

impl From<ingest::IngestReport> for IngestReport {
    fn from(report: ingest::IngestReport) -> Self {
        Self {
            added: report.added,
            updated: report.updated,
            moved: report.moved,
            unchanged: report.unchanged,
            removed: report.removed,
            chunks: report.chunks,
            seconds: report.seconds,
            failed: report.failed.into_iter().map(FailedSource::from).collect(),
        }
    }
}
