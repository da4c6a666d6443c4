//! Points that were taken out of another index, put into one that is being built, so that nothing is embedded again.
//!
//! Only points of versions that are live in SQL are taken, and a version counts as being in the index only when all of
//! its points are. Whatever is missing or does not fit, the rest of the build embeds ([`Pipeline::reindex`]).

use domain::{ChunkId, ChunkPoint, Document, DocumentId, Selection, VersionId, WorkspaceId};

use crate::reindex::Build;
use crate::{IngestError, Pipeline};

/// The points of one build, version after version.
pub struct PutBack<'a> {
    pipeline: &'a Pipeline,
    build: &'a Build,
    current: Option<Current>,
    put_in: u64,
}

/// The version whose points come.
struct Current {
    workspace: WorkspaceId,
    version: VersionId,
    /// Where they belong; `None` where they are not taken.
    document: Option<Document>,
}

impl<'a> PutBack<'a> {
    /// Nothing yet.
    pub fn new(pipeline: &'a Pipeline, build: &'a Build) -> Self {
        Self { pipeline, build, current: None, put_in: 0 }
    }

    /// Takes some points; those of one version follow each other, in one call or in many.
    ///
    /// # Errors
    /// `Database` and `Vectors`. A point that does not fit is no error.
    pub async fn take(&mut self, points: Vec<ChunkPoint>) -> Result<(), IngestError> {
        let mut batch = Vec::new();
        for point in points {
            let (workspace, version) = (point.chunk.workspace, point.chunk.version);
            let is_current = |current: &Current| current.workspace == workspace && current.version == version;
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

    /// Ends the last version, and gives the number of points that are in for good.
    ///
    /// # Errors
    /// As with [`take`](Self::take).
    pub async fn finish(mut self) -> Result<u64, IngestError> {
        self.end_version().await?;
        Ok(self.put_in)
    }

    async fn begin_version(
        &mut self,
        workspace: WorkspaceId,
        version: VersionId,
        document: DocumentId,
    ) -> Result<(), IngestError> {
        let document = self.pipeline.live_document(workspace, document).await?;
        let document = document.filter(|document| document.live_version == Some(version));
        if document.is_some() {
            self.pipeline.db.begin_indexing(self.build.id, version).await?;
        }
        self.current = Some(Current { workspace, version, document });
        Ok(())
    }

    async fn end_version(&mut self) -> Result<(), IngestError> {
        let Some(Current { workspace, version, document: Some(document) }) = self.current.take() else {
            return Ok(());
        };
        let points = self.build.index.vectors.count(Selection::Version(workspace, version)).await?;
        if points == u64::from(document.chunk_count) {
            self.pipeline.db.finish_indexing(self.build.id, version, document.chunk_count).await?;
            self.put_in += points;
        }
        Ok(())
    }

    fn fits(&self, point: &ChunkPoint) -> bool {
        let Some(Current { document: Some(document), .. }) = &self.current else { return false };
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
