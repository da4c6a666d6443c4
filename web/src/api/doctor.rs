//! The check of database, vector index and originals.

use domain::DocumentId;
use jiff::Timestamp;
use locales::Locale;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::localized_text::LocalizedText;

/// How to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorRequest {
    /// Repair what is found.
    pub fix: bool,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorReport {
    /// Number of documents with a live version.
    pub documents: u64,
    /// Number of points in the index.
    pub points: u64,
    /// Number of originals that are kept.
    pub originals: u64,
    /// Number of live versions without a kept original. They answer questions, and cannot be ingested again.
    pub without_original: u64,
    /// What is wrong, or was.
    pub findings: Vec<Finding>,
}

/// Something that is wrong, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// For programs; the same between releases.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
    /// Whether it was repaired.
    #[serde(rename = "mended")]
    pub repaired: bool,
}

/// What is left of a document in every store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasureReport {
    /// The document.
    #[schema(value_type = Uuid)]
    pub document: DocumentId,
    /// When it was deleted; `null` if that is not known.
    #[schema(required = true)]
    pub erased_at: Option<Timestamp>,
    /// What is left of it; empty if it was deleted completely.
    pub left: Vec<Finding>,
}

impl From<service::erasure::ErasureReport> for ErasureReport {
    fn from(report: service::erasure::ErasureReport) -> Self {
        let service::erasure::ErasureReport { document, erased_at, left } = report;
        Self { document, erased_at, left: left.into_iter().map(Finding::from).collect() }
    }
}

impl DoctorReport {
    /// Whether nothing is wrong now.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired)
    }
}

impl ErasureReport {
    /// The report with its findings in this language.
    pub(crate) fn localized(self, locale: Locale) -> Self {
        Self { left: self.left.into_iter().map(|finding| finding.localized(locale)).collect(), ..self }
    }
}

impl DoctorReport {
    /// The report with its findings in this language.
    pub(crate) fn localized(self, locale: Locale) -> Self {
        let findings = self.findings.into_iter().map(|finding| finding.localized(locale)).collect();
        Self { findings, ..self }
    }
}

impl Finding {
    /// Findings are reported in English, some with figures; in other languages the code speaks for them.
    #[must_use]
    pub fn localized(self, locale: Locale) -> Self {
        let key = format!("finding-{}", self.code.replace('_', "-"));
        Self { message: LocalizedText::english_or(key, self.message).localized(locale), ..self }
    }
}

impl From<service::doctor::DoctorReport> for DoctorReport {
    fn from(report: service::doctor::DoctorReport) -> Self {
        Self {
            documents: report.documents,
            points: report.points,
            originals: report.originals,
            without_original: report.without_original,
            findings: report.findings.into_iter().map(Finding::from).collect(),
        }
    }
}

impl From<ingest::Finding> for Finding {
    fn from(finding: ingest::Finding) -> Self {
        Self {
            code: finding.code,
            subject: finding.subject,
            message: finding.message,
            repaired: finding.repaired,
        }
    }
}
