//! Checks that SQL and the vector index agree, and repairs the index by what SQL says.
//!
//! Documents change while the check runs. What looks inconsistent is therefore checked again under the document's lock, and
//! only what is inconsistent then is a finding.

use std::collections::HashSet;
use std::sync::Arc;

use db::Database;
use domain::{ChunkPoint, Document, DocumentId, LiveIndex, Selection, VectorStore, VersionId, WorkspaceId};
use tracing::warn;

use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::error::IngestError;
use crate::index::finding::Finding;
use crate::index::lock::IndexLock;
use crate::versions::live_document::live_document;
use crate::versions::prepare::Preparers;
use crate::versions::rechunk::Rechunk;
use crate::versions::sweep::Sweep;

/// Rows read at a time.
const BATCH_ROWS: u32 = 100;

/// Points read at a time.
const BATCH_POINTS: usize = 256;

/// The result of a check of all points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PointsChecked {
    /// Documents with a live version.
    pub documents: u64,
    /// Points of the index after the check.
    pub points: u64,
    /// Inconsistencies.
    pub findings: Vec<Finding>,
}

/// Checks and repairs the live index.
#[derive(Clone)]
pub struct IndexCheck {
    db: Database,
    index: Arc<LiveIndex>,
    index_lock: Arc<IndexLock>,
    document_locks: Arc<DocumentLocks>,
    preparers: Preparers,
    rechunk: Rechunk,
    sweep: Sweep,
}

impl IndexCheck {
    /// A check of the context's live index.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            index: context.index.clone(),
            index_lock: context.index_lock.clone(),
            document_locks: context.document_locks.clone(),
            preparers: Preparers::new(context),
            rechunk: Rechunk::new(context),
            sweep: Sweep::new(context),
        }
    }

    /// Compares the points of the live index with what SQL says about them. With `fix` it repairs the index: documents
    /// with missing or extra points are embedded again from their texts, points of unknown versions are removed.
    ///
    /// # Errors
    /// Those that concern every document ([`IngestError::concerns_every_document`]); others are findings.
    pub async fn check_points(&self, fix: bool) -> Result<PointsChecked, IngestError> {
        let mut checked = PointsChecked::default();
        checked.findings.extend(self.check_stale(fix).await?);
        for workspace in self.db.workspaces().await? {
            let mut last = None;
            loop {
                let documents = self.db.live_documents_after(workspace, last, BATCH_ROWS).await?;
                let Some(end) = documents.last() else { break };
                last = Some(end.id);
                checked.documents += documents.len() as u64;
                for document in documents {
                    if self.count_points(&document).await? != u64::from(document.chunk_count) {
                        checked.findings.extend(self.check_document(workspace, document.id, fix).await?);
                    }
                }
            }
            self.check_unknown(workspace, fix, &mut checked).await?;
        }
        Ok(checked)
    }

    async fn count_points(&self, document: &Document) -> Result<u64, IngestError> {
        let Some(live) = document.live_version else { return Ok(0) };
        let selection = Selection::Version(document.workspace, live);
        Ok(self.index.current().vectors.count(selection).await?)
    }

    /// Checks for superseded versions whose points are not removed yet.
    async fn check_stale(&self, fix: bool) -> Result<Option<Finding>, IngestError> {
        let stale = {
            // Waits for a running sweep: what it is about to remove is no finding.
            let _sweeping = self.index_lock.sweep().await;
            self.db.stale_versions(BATCH_ROWS).await?
        };
        let Some(first) = stale.first() else { return Ok(None) };
        let finding = Finding::new(
            "versions_stale",
            first.document.to_string(),
            "superseded versions, of this document and perhaps of others, may still have points",
        );
        if fix {
            self.sweep.run().await?;
        }
        Ok(Some(finding.repaired(fix)))
    }

    /// Checks one document under its lock.
    async fn check_document(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
        fix: bool,
    ) -> Result<Option<Finding>, IngestError> {
        let _lock = self.document_locks.acquire(id).await;
        let _storing = self.index_lock.store().await;
        let Some(document) = live_document(&self.db, workspace, id).await? else { return Ok(None) };
        let Some(live) = document.live_version else { return Ok(None) };
        let (found, expected) = (self.count_points(&document).await?, u64::from(document.chunk_count));
        if found == expected {
            return Ok(None);
        }
        let code = if found < expected { "points_missing" } else { "points_extra" };
        let message = format!("the index holds {found} points for its {expected} chunks");
        let finding = Finding::new(code, document.source.clone(), message);
        if !fix {
            return Ok(Some(finding));
        }
        match self.embed_again(&document, live).await {
            Ok(()) => Ok(Some(finding.repaired(true))),
            Err(error) if error.concerns_every_document() => Err(error),
            Err(error) => {
                warn!(source = document.source, error = error.message(), "cannot embed a document again");
                let message = format!("{}; embedding it again failed: {}", finding.message, error.message());
                Ok(Some(Finding { message, ..finding }))
            }
        }
    }

    async fn embed_again(&self, document: &Document, live: VersionId) -> Result<(), IngestError> {
        // Overwrites the points one by one, so that whatever ends this leaves the document as findable as it was.
        let preparer = self.preparers.for_live_index();
        let chunks = self.rechunk.rechunk(&preparer, document, live).await?;
        self.db.publish_version(document.workspace, live, chunks).await?;
        Ok(())
    }

    /// Checks for points of versions that SQL does not know or that should have none. Reads all points, but only where
    /// their number differs from that of the chunks.
    async fn check_unknown(
        &self,
        workspace: WorkspaceId,
        fix: bool,
        checked: &mut PointsChecked,
    ) -> Result<(), IngestError> {
        let vectors = self.index.current().vectors.clone();
        let everything = Selection::Workspace(workspace);
        let points = vectors.count(everything).await?;
        if points != self.db.count_chunks(workspace).await? {
            let (mut seen, mut last) = (HashSet::new(), None);
            loop {
                let page = vectors.points(everything, last, BATCH_POINTS).await?;
                let Some(end) = page.last() else { break };
                last = Some(end.chunk.id);
                for ChunkPoint { chunk, .. } in &page {
                    if seen.insert(chunk.version) {
                        let found =
                            self.check_version(workspace, chunk.version, vectors.as_ref(), fix).await?;
                        checked.findings.extend(found);
                    }
                }
            }
        }
        checked.points += vectors.count(everything).await?;
        Ok(())
    }

    async fn check_version(
        &self,
        workspace: WorkspaceId,
        version: VersionId,
        vectors: &dyn VectorStore,
        fix: bool,
    ) -> Result<Option<Finding>, IngestError> {
        if self.db.may_have_chunks(workspace, version).await? {
            return Ok(None);
        }
        let selection = Selection::Version(workspace, version);
        let points = vectors.count(selection).await?;
        if points == 0 {
            return Ok(None);
        }
        if fix {
            vectors.remove(selection).await?;
        }
        let message = format!("the index holds {points} points of a version that no longer exists");
        Ok(Some(Finding::new("points_unknown", version.to_string(), message).repaired(fix)))
    }
}
