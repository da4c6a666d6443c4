//! Imports points of another index (from a backup) into one that is being built, so that nothing is embedded again.
//!
//! Only points of versions that are live in SQL are imported, and a version counts as indexed only when all of its points
//! are. Whatever is missing or does not fit, [`Reindex`](crate::Reindex) embeds.

use db::Database;
use domain::{ChunkId, ChunkPoint, Document, DocumentId, Selection, VersionId, WorkspaceId};

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::index::build::Build;
use crate::versions::live_document::live_document;

/// Imports points, version after version.
pub struct ImportPoints<'a> {
    db: Database,
    build: &'a Build,
    current: Option<CurrentVersion>,
    imported: u64,
}

/// The version whose points are being imported.
struct CurrentVersion {
    workspace: WorkspaceId,
    version: VersionId,
    /// Its document; `None` where it is not live, so that its points are skipped.
    document: Option<Document>,
}

impl<'a> ImportPoints<'a> {
    /// An import into `build` that has no points yet.
    pub fn new(context: &IngestContext, build: &'a Build) -> Self {
        Self { db: context.db.clone(), build, current: None, imported: 0 }
    }

    /// Imports points. Those of one version must follow each other, in one call or in many.
    ///
    /// # Errors
    /// `Database` and `Vectors`. A point that does not fit is skipped.
    pub async fn import(&mut self, points: Vec<ChunkPoint>) -> Result<(), IngestError> {
        let mut batch = Vec::new();
        for point in points {
            let (workspace, version) = (point.chunk.workspace, point.chunk.version);
            let is_current =
                |current: &CurrentVersion| current.workspace == workspace && current.version == version;
            if !self.current.as_ref().is_some_and(is_current) {
                self.write(std::mem::take(&mut batch)).await?;
                self.end_version().await?;
                self.begin_version(workspace, version, point.chunk.document).await?;
            }
            if self.fits(&point) {
                batch.push(point);
            }
        }
        self.write(batch).await
    }

    /// Completes the last version. Returns the number of points of all complete versions.
    ///
    /// # Errors
    /// As with [`import`](Self::import).
    pub async fn finish(mut self) -> Result<u64, IngestError> {
        self.end_version().await?;
        Ok(self.imported)
    }

    async fn begin_version(
        &mut self,
        workspace: WorkspaceId,
        version: VersionId,
        document: DocumentId,
    ) -> Result<(), IngestError> {
        let document = live_document(&self.db, workspace, document).await?;
        let document = document.filter(|document| document.live_version == Some(version));
        if document.is_some() {
            self.db.begin_indexing(self.build.id, version).await?;
        }
        self.current = Some(CurrentVersion { workspace, version, document });
        Ok(())
    }

    async fn end_version(&mut self) -> Result<(), IngestError> {
        let Some(CurrentVersion { workspace, version, document: Some(document) }) = self.current.take()
        else {
            return Ok(());
        };
        let points = self.build.index.vectors.count(Selection::Version(workspace, version)).await?;
        if points == u64::from(document.chunk_count) {
            self.db.finish_indexing(self.build.id, version, document.chunk_count).await?;
            self.imported += points;
        }
        Ok(())
    }

    fn fits(&self, point: &ChunkPoint) -> bool {
        let Some(CurrentVersion { document: Some(document), .. }) = &self.current else { return false };
        let chunk = &point.chunk;
        let dimensions = self.build.index.embedder.space().dimensions;
        chunk.document == document.id
            && chunk.collection == document.collection
            && chunk.position < document.chunk_count
            && chunk.id == ChunkId::derive(chunk.version, chunk.position)
            && point.dense.as_ref().is_none_or(|dense| dense.len() == dimensions)
            && point.sparse.indices.len() == point.sparse.values.len()
    }

    async fn write(&self, points: Vec<ChunkPoint>) -> Result<(), IngestError> {
        if !points.is_empty() {
            self.build.index.vectors.upsert(points).await?;
        }
        Ok(())
    }
}
