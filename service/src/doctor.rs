//! Checks that SQL, vector index and originals agree, and repairs what can be repaired without loss.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use db::{DbError, JobError};
use domain::{Cause, VectorStoreError};
use ingest::{Erasures, Finding, IndexCheck, IngestError, Originals, OriginalsError, Reindex};

use crate::app::App;
use crate::erasure::{remove_copies_before, system_time};
use crate::indexes::OrphanError;
use crate::knowledge::KnowledgeBase;
use crate::open_error::OpenError;

/// An upload queues its job right after its bytes are kept: an original that no row names after this time is unused.
const MAX_UPLOAD_TIME: Duration = Duration::from_secs(3_600);

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoctorReport {
    /// Live documents.
    pub documents: u64,
    /// Points of the index.
    pub points: u64,
    /// Originals kept.
    pub originals: u64,
    /// Live contents without an original: older releases kept none of what a command ingested from a folder. They answer,
    /// and cannot be parsed again.
    pub without_original: u64,
    /// What is wrong, or was before it was repaired.
    pub findings: Vec<Finding>,
}

/// Why a check is incomplete.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// SQL does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The index cannot be opened.
    #[error(transparent)]
    NotOpen(#[from] OpenError),
    /// The vector store or the embedder fails for every document.
    #[error(transparent)]
    Points(#[from] IngestError),
    /// The data directory cannot be read or written.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The originals cannot be read.
    #[error(transparent)]
    Originals(#[from] OriginalsError),
    /// The folder of an index cannot be removed.
    #[error("cannot remove an index")]
    Folder(#[source] VectorStoreError),
    /// An index cannot be removed or built.
    #[error("{0}")]
    Index(Cause),
}

impl From<OrphanError> for DoctorError {
    fn from(error: OrphanError) -> Self {
        match error {
            OrphanError::Disk(error) => Self::Disk(error),
            OrphanError::Database(error) => Self::Database(error),
        }
    }
}

fn index_failed(error: anyhow::Error) -> DoctorError {
    DoctorError::Index(error.into())
}

impl DoctorReport {
    /// Whether nothing is left to repair.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.repaired)
    }
}

/// Checks everything, and with `fix` repairs it. An index that is missing as a whole is reported, or built again.
///
/// # Errors
/// Any [`DoctorError`]; repairs made before stay.
pub async fn check(app: &App, fix: bool) -> Result<DoctorReport, DoctorError> {
    let mut report = check_stores(app, fix).await?;
    if fix {
        remove_copies(app, &mut report).await?;
    }
    Ok(report)
}

async fn check_stores(app: &App, fix: bool) -> Result<DoctorReport, DoctorError> {
    if let Some(knowledge) = app.opened_knowledge() {
        return check_open(knowledge, fix).await;
    }
    let Some(missing) = app.indexes.missing().await.map_err(index_failed)? else {
        return check_open(app.knowledge().await?, fix).await;
    };
    if !fix {
        // Without an index there are no points to compare anything with.
        return Ok(DoctorReport { findings: vec![missing], ..DoctorReport::default() });
    }
    let (knowledge, build) = app.open_to_build(None).await.map_err(index_failed)?;
    let built = Reindex::new(&knowledge.ingest).run(&build, |_| ()).await?;
    app.indexes.remove_retired().await.map_err(index_failed)?;
    let mut report = check_open(&knowledge, fix).await?;
    report.findings.insert(0, missing.repaired(built.switched));
    Ok(report)
}

/// Checks an installation whose index is open.
pub(crate) async fn check_open(knowledge: &KnowledgeBase, fix: bool) -> Result<DoctorReport, DoctorError> {
    let mut report = DoctorReport::default();
    for damage in knowledge.db.integrity_findings().await? {
        report.findings.push(Finding::new("database_damaged", "SQLite", damage));
    }
    check_jobs(knowledge, fix, &mut report).await?;
    check_erasures(knowledge, fix, &mut report).await?;
    check_originals(knowledge, fix, &mut report).await?;
    let checked = IndexCheck::new(&knowledge.ingest).check_points(fix).await?;
    (report.documents, report.points) = (checked.documents, checked.points);
    report.findings.extend(checked.findings);
    check_indexes(knowledge, fix, &mut report).await?;
    Ok(report)
}

/// Finds queued jobs whose original is missing.
async fn check_jobs(
    knowledge: &KnowledgeBase,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let mut last = None;
    loop {
        let jobs = knowledge.db.queued_jobs_after(last).await?;
        let Some(end) = jobs.last() else { return Ok(()) };
        last = Some(end.id);
        for job in jobs {
            if knowledge.originals.contains(&job.content_hash).await? {
                continue;
            }
            let message = "the original of this job is missing; upload it again";
            let finding = Finding::new("original_missing", job.source, message);
            if !fix {
                report.findings.push(finding);
                continue;
            }
            let error = JobError { code: finding.code.clone(), message: finding.message.clone() };
            match knowledge.db.fail_queued_job(job.id, error).await {
                Ok(()) => report.findings.push(finding.repaired(true)),
                // A worker has claimed it meanwhile, and fails it by itself.
                Err(DbError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Finds deletions that are not complete.
async fn check_erasures(
    knowledge: &KnowledgeBase,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let Some(first) = knowledge.db.unfinished_erasures(None, 1).await?.pop() else { return Ok(()) };
    if fix {
        Erasures::new(&knowledge.ingest).finish().await?;
    }
    let left = knowledge.db.unfinished_erasures(None, 1).await?;
    let message = "the deletion of this document, and perhaps of others, is not complete";
    let finding = Finding::new("erasure_unfinished", first.document.to_string(), message);
    report.findings.push(finding.repaired(left.is_empty()));
    Ok(())
}

/// Finds copies from before a migration that may hold documents which were deleted since. Only a repair is reported: the
/// copies are kept for some days on purpose.
async fn remove_copies(app: &App, report: &mut DoctorReport) -> Result<(), DoctorError> {
    let Some(erased_at) = app.db.last_erased_at().await? else { return Ok(()) };
    for copy in remove_copies_before(&app.config.data_dir, system_time(erased_at))? {
        let message = "a copy from before a migration, which could hold deleted documents";
        let finding = Finding::new("copy_outdated", copy.display().to_string(), message);
        report.findings.push(finding.repaired(true));
    }
    Ok(())
}

/// Finds originals that no row names, and counts live contents without one.
async fn check_originals(
    knowledge: &KnowledgeBase,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let originals = &knowledge.originals;
    // Listed before the rows: an original that is kept and named in between is in neither list.
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
        let message = "no document or job refers to this original";
        report.findings.push(Finding::new("original_unused", hash.clone(), message).repaired(fix));
    }
    let live = knowledge.db.live_original_hashes().await?;
    report.without_original = live.iter().filter(|hash| !kept.contains(*hash)).count() as u64;
    Ok(())
}

async fn is_being_uploaded(originals: &Originals, hash: &str) -> bool {
    match originals.kept_at(hash).await {
        // A time in the future counts as now.
        Ok(kept_at) => kept_at.elapsed().unwrap_or_default() < MAX_UPLOAD_TIME,
        Err(_) => true,
    }
}

/// Finds replaced indexes that still exist, and folders of indexes that no row names.
async fn check_indexes(
    knowledge: &KnowledgeBase,
    fix: bool,
    report: &mut DoctorReport,
) -> Result<(), DoctorError> {
    let indexes = &knowledge.indexes;
    let retired = knowledge.db.retired_indexes().await?;
    if let Some(first) = retired.first() {
        let removed = if fix { indexes.remove_retired().await.map_err(index_failed)? } else { false };
        let message = "this index was replaced and still exists";
        report.findings.push(Finding::new("index_retired", first.id.to_string(), message).repaired(removed));
    }
    for id in indexes.orphaned_folders().await? {
        if fix {
            indexes.remove_folder(id).await.map_err(DoctorError::Folder)?;
        }
        let message = "the folder of an index that is not in the database";
        report.findings.push(Finding::new("index_unknown", id.to_string(), message).repaired(fix));
    }
    Ok(())
}
