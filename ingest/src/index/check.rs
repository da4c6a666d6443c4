//! What SQL and the vector store disagree on: found, and mended by SQL's word.
//!
//! Documents come and go while it looks. So what looks wrong is looked at once more while nobody else works on that
//! document, and only what is wrong then is a finding.

use std::collections::HashSet;

use domain::{ChunkPoint, Document, DocumentId, Selection, VectorStore, VersionId, WorkspaceId};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{IngestError, Pipeline};

/// Rows read at a time.
const BATCH: u32 = 100;

/// Points read at a time.
const POINTS_AT_A_TIME: usize = 256;

/// Something that is wrong, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which kind it is, for programs.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
    /// Whether it is in order now.
    pub mended: bool,
}

/// What a look at all points gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PointsChecked {
    /// Documents that answer.
    pub documents: u64,
    /// Points of the index, as they are now.
    pub points: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// A finding that is not mended.
    pub fn new(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), subject: subject.into(), message: message.into(), mended: false }
    }

    /// The same, mended or not.
    #[must_use]
    pub fn mended(self, mended: bool) -> Self {
        Self { mended, ..self }
    }
}

impl Pipeline {
    /// Compares the points of the index that answers with what SQL says of them. With `fix` it is made so: documents with
    /// other points than they should have are embedded again from their texts, points of nothing that lives are removed.
    ///
    /// # Errors
    /// Those that concern every document ([`IngestError::concerns_every_document`]); others are findings.
    pub async fn check_points(&self, fix: bool) -> Result<PointsChecked, IngestError> {
        let mut checked = PointsChecked::default();
        checked.findings.extend(self.check_stale(fix).await?);
        for workspace in self.db.workspaces().await? {
            let mut last = None;
            loop {
                let documents = self.db.live_documents_after(workspace, last, BATCH).await?;
                let Some(end) = documents.last() else { break };
                last = Some(end.id);
                checked.documents += documents.len() as u64;
                for document in documents {
                    if self.points_of(&document).await? != u64::from(document.chunk_count) {
                        checked.findings.extend(self.check_document(workspace, document.id, fix).await?);
                    }
                }
            }
            self.check_unknown(workspace, fix, &mut checked).await?;
        }
        Ok(checked)
    }

    async fn points_of(&self, document: &Document) -> Result<u64, IngestError> {
        let Some(live) = document.live_version else { return Ok(0) };
        let selection = Selection::Version(document.workspace, live);
        Ok(self.index.current().vectors.count(selection).await?)
    }

    /// Versions that were superseded and whose points were not removed yet.
    async fn check_stale(&self, fix: bool) -> Result<Option<Finding>, IngestError> {
        let stale = {
            // Who has just superseded one sweeps at once.
            let _sweeping = self.gate.sweep().await;
            self.db.stale_versions(BATCH).await?
        };
        let Some(first) = stale.first() else { return Ok(None) };
        let finding = Finding::new(
            "versions_stale",
            first.document.to_string(),
            "versions that do not answer any more, this document's and perhaps others', may still have points",
        );
        if fix {
            self.sweep().await?;
        }
        Ok(Some(finding.mended(fix)))
    }

    /// Looks at one document while nobody else works on it.
    async fn check_document(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
        fix: bool,
    ) -> Result<Option<Finding>, IngestError> {
        let _turn = self.locks.acquire(id).await;
        let _storing = self.gate.store().await;
        let Some(document) = self.live_document(workspace, id).await? else { return Ok(None) };
        let Some(live) = document.live_version else { return Ok(None) };
        let (found, expected) = (self.points_of(&document).await?, u64::from(document.chunk_count));
        if found == expected {
            return Ok(None);
        }
        let code = if found < expected { "points_missing" } else { "points_extra" };
        let message = format!("the index holds {found} points of its {expected} chunks");
        let finding = Finding::new(code, document.source.clone(), message);
        if !fix {
            return Ok(Some(finding));
        }
        match self.embed_again(&document, live).await {
            Ok(()) => Ok(Some(finding.mended(true))),
            Err(error) if error.concerns_every_document() => Err(error),
            Err(error) => {
                warn!(source = document.source, %error, "a document could not be embedded again");
                let message = format!("{}; embedding it again failed: {error}", finding.message);
                Ok(Some(Finding { message, ..finding }))
            }
        }
    }

    async fn embed_again(&self, document: &Document, live: VersionId) -> Result<(), IngestError> {
        let index = self.index.current();
        // Points at positions that the text has no chunk for would stay.
        index.vectors.remove(Selection::Version(document.workspace, live)).await?;
        let preparer = self.preparer_for(index.clone());
        let chunks = self.write_live(&preparer, &index, document, live).await?;
        self.db.publish_version(document.workspace, live, chunks).await?;
        Ok(())
    }

    /// Points of versions that SQL does not know or whose points should be gone. Only where there are more points than
    /// chunks are they all looked through.
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
                let page = vectors.points(everything, last, POINTS_AT_A_TIME).await?;
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
        let message = format!("the index holds {points} points of a version that is not there any more");
        Ok(Some(Finding::new("points_unknown", version.to_string(), message).mended(fix)))
    }
}
