//! Completes deletions in the background, removes old copies of the database, and proves for a document that nothing of it
//! is left.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use db::DbError;
use domain::{DocumentId, WorkspaceId};
use ingest::{ErasureProof, Erasures, Finding, IngestError};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::app::App;
use crate::open_error::OpenError;

/// How often deletions are completed that could not be at once.
const FINISH_EVERY: Duration = Duration::from_secs(10);

/// How long a copy that was made before a migration is kept: it may hold documents that were deleted since.
const MAX_COPY_AGE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The proof for one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureReport {
    /// The document.
    pub document: DocumentId,
    /// When it was deleted; `None` if that is not known.
    pub erased_at: Option<Timestamp>,
    /// What is left of it.
    pub left: Vec<Finding>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// SQL does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The index cannot be opened.
    #[error(transparent)]
    NotOpen(#[from] OpenError),
    /// The vector store fails.
    #[error(transparent)]
    Points(#[from] IngestError),
    /// The data directory cannot be read.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// Looks for what is left of a document in every store.
///
/// # Errors
/// Any [`ProofError`].
pub async fn prove(
    app: &App,
    workspace: WorkspaceId,
    document: DocumentId,
) -> Result<ErasureReport, ProofError> {
    let erased_at = app.db.erased_at(workspace, document).await?;
    let mut left = ErasureProof::new(&app.knowledge().await?.ingest).left_of(workspace, document).await?;
    if let Some(erased_at) = erased_at {
        for copy in copies_before(&app.config.data_dir, system_time(erased_at))? {
            let message = "this copy was made before a migration, and before the document was deleted";
            left.push(Finding::new("left_in_copy", copy.display().to_string(), message));
        }
    }
    Ok(ErasureReport { document, erased_at, left })
}

/// Completes deletions until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(FINISH_EVERY)).await.is_some() {
        if let Some(knowledge) = app.opened_knowledge() {
            Erasures::new(&knowledge.ingest).finish_or_warn().await;
        }
        let oldest = SystemTime::now().checked_sub(MAX_COPY_AGE).unwrap_or(SystemTime::UNIX_EPOCH);
        if let Err(error) = remove_copies_before(&app.config.data_dir, oldest) {
            warn!(%error, "cannot remove an old copy of the database");
        }
    }
}

/// Removes the copies that were made before a migration and before `time`. Returns their paths.
pub(crate) fn remove_copies_before(data_dir: &Path, time: SystemTime) -> io::Result<Vec<PathBuf>> {
    let copies = copies_before(data_dir, time)?;
    for copy in &copies {
        std::fs::remove_file(copy)?;
    }
    Ok(copies)
}

/// The same moment as files have it.
pub(crate) fn system_time(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

/// The copies that were made before a migration and before `time`.
pub(crate) fn copies_before(data_dir: &Path, time: SystemTime) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(data_dir.join("backups")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut copies = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("before-") && entry.metadata()?.modified()? < time
        {
            copies.push(entry.path());
        }
    }
    copies.sort();
    Ok(copies)
}
