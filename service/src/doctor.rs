//! What SQL, vectors and originals disagree on: found, and mended where that loses nothing.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use db::{DbError, JobError};
use ingest::{Finding, IngestError, Originals, OriginalsError};
use serde::{Deserialize, Serialize};

use crate::app::KnowledgeBase;
use crate::app::indexes::Indexes;

/// An upload queues its job right after its bytes are kept. What no row names after this, none will.
const UPLOAD_WITHIN: Duration = Duration::from_secs(3_600);

/// What a look at everything gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Documents that answer.
    pub documents: u64,
    /// Points of the index.
    pub points: u64,
    /// Originals that are kept.
    pub originals: u64,
    /// Contents that answer and whose original is not kept here: older versions kept none of what a command read from a
    /// folder. They answer without, and cannot be read anew.
    pub without_original: u64,
    /// What is wrong, or was.
    pub findings: Vec<Finding>,
}

/// Why not everything could be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// SQL does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The vector store or the embedder fails for every document.
    #[error(transparent)]
    Points(#[from] IngestError),
    /// The data directory cannot be read or written.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The originals cannot be looked at.
    #[error(transparent)]
    Originals(#[from] OriginalsError),
    /// An index cannot be removed.
    #[error("{0}")]
    Index(String),
}

impl DoctorReport {
    /// Whether all is well now.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.mended)
    }
}

/// Looks at everything, and with `fix` mends it.
///
/// # Errors
/// Any [`DoctorError`]; what was mended before stays so.
pub async fn examine(knowledge: &KnowledgeBase, fix: bool) -> Result<DoctorReport, DoctorError> {
    let mut report = DoctorReport::default();
    for damage in knowledge.db.damages().await? {
        report.findings.push(Finding::new("database_damaged", "SQLite", damage));
    }
    check_jobs(knowledge, fix, &mut report).await?;
    check_originals(knowledge, fix, &mut report).await?;
    let checked = knowledge.pipeline.check_points(fix).await?;
    (report.documents, report.points) = (checked.documents, checked.points);
    report.findings.extend(checked.findings);
    check_indexes(&knowledge.db, &knowledge.indexes, fix, &mut report).await?;
    Ok(report)
}

/// Jobs that wait for bytes that nobody has.
async fn check_jobs(
    knowledge: &KnowledgeBase,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let mut last = None;
    loop {
        let jobs = knowledge.db.waiting_jobs_after(last).await?;
        let Some(end) = jobs.last() else { return Ok(()) };
        last = Some(end.id);
        for job in jobs {
            if knowledge.originals.contains(&job.content_hash).await? {
                continue;
            }
            let message = "the bytes that were given for this job are gone; give them again";
            let finding = Finding::new("original_missing", job.source, message);
            if !fix {
                report.findings.push(finding);
                continue;
            }
            let error = JobError { code: finding.code.clone(), message: finding.message.clone() };
            match knowledge.db.fail_waiting_job(job.id, error).await {
                Ok(()) => report.findings.push(finding.mended(true)),
                // A worker has taken it meanwhile, and finds out by itself.
                Err(DbError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Originals that no row names, and contents without one.
async fn check_originals(
    knowledge: &KnowledgeBase,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let originals = &knowledge.originals;
    // Before the rows: what is kept and named in between is in no list.
    let kept: HashSet<String> = originals.list().await?.into_iter().collect();
    let named = knowledge.db.original_hashes().await?;
    report.originals = kept.len() as u64;
    for hash in kept.difference(&named) {
        if is_being_uploaded(originals, hash).await {
            continue;
        }
        if fix {
            originals.remove(hash).await?;
            report.originals -= 1;
        }
        let message = "no document and no job names these bytes";
        report.findings.push(Finding::new("original_unused", hash.clone(), message).mended(fix));
    }
    let live = knowledge.db.live_original_hashes().await?;
    report.without_original = live.iter().filter(|hash| !kept.contains(*hash)).count() as u64;
    Ok(())
}

async fn is_being_uploaded(originals: &Originals, hash: &str) -> bool {
    match originals.kept_at(hash).await {
        // A time in the future is as good as now.
        Ok(kept_at) => kept_at.elapsed().unwrap_or_default() < UPLOAD_WITHIN,
        Err(_) => true,
    }
}

/// Indexes that another one has taken the place of, and folders that no row names.
async fn check_indexes(
    db: &db::Database,
    indexes: &Indexes,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let index = |error: anyhow::Error| DoctorError::Index(format!("{error:#}"));
    let retired = db.retired_indexes().await?;
    if let Some(first) = retired.first() {
        let removed = if fix { indexes.remove_retired().await.map_err(index)? } else { false };
        let message = "another index has taken its place, and it is still there";
        report.findings.push(Finding::new("index_retired", first.id.to_string(), message).mended(removed));
    }
    for id in indexes.unnamed_folders().await? {
        if fix {
            indexes.remove_folder(id).await.map_err(|error| DoctorError::Index(error.to_string()))?;
        }
        let message = "a folder of an index that the database does not know";
        report.findings.push(Finding::new("index_unknown", id.to_string(), message).mended(fix));
    }
    Ok(())
}
