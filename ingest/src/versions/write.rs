//! Writes the chunks of one version into a vector index: embeds, analyzes, stores and counts them, batch by batch.

use std::sync::Arc;

use domain::{
    Analyzer, Chunk, ChunkId, ChunkPoint, CollectionId, DocumentId, EmbedError, Index, IngestStage, Language,
    Selection, VersionId, WorkspaceId,
};
use jiff::Timestamp;

use crate::chunking::chunker::Draft;
use crate::error::IngestError;
use crate::index::vector_reuse::ReusableVectors;
use crate::versions::stage::{OnStage, report_stage};

/// Chunks embedded and stored at a time; bounds memory for documents of any size.
const BATCH_CHUNKS: usize = 64;

/// The version that chunks belong to, and the index that they go into.
pub(crate) struct ChunkTarget<'a> {
    pub(crate) index: &'a Index,
    /// Vectors that need not be computed again.
    pub(crate) reusable: &'a ReusableVectors,
    pub(crate) workspace: WorkspaceId,
    pub(crate) collection: CollectionId,
    pub(crate) document: DocumentId,
    pub(crate) version: VersionId,
    pub(crate) source: &'a str,
    pub(crate) title: &'a str,
    pub(crate) tags: &'a [String],
    pub(crate) dated_at: Timestamp,
}

impl ChunkTarget<'_> {
    fn chunk(&self, draft: &Draft, position: u32, language: Language) -> Chunk {
        Chunk {
            id: ChunkId::derive(self.version, position),
            workspace: self.workspace,
            collection: self.collection,
            document: self.document,
            version: self.version,
            position,
            title: self.title.to_owned(),
            source: self.source.to_owned(),
            heading_path: draft.heading_path.to_vec(),
            page: draft.page,
            language,
            tags: self.tags.to_vec(),
            dated_at: self.dated_at,
            text: draft.text.clone(),
        }
    }
}

/// Writes chunks.
#[derive(Clone)]
pub(crate) struct ChunkWriter {
    analyzer: Arc<dyn Analyzer>,
}

impl ChunkWriter {
    pub(crate) fn new(analyzer: Arc<dyn Analyzer>) -> Self {
        Self { analyzer }
    }

    /// Writes the drafts as the chunks of `target`. Returns their number.
    pub(crate) async fn write(
        &self,
        target: &ChunkTarget<'_>,
        drafts: &[Draft],
        on_stage: &mut OnStage<'_>,
    ) -> Result<u32, IngestError> {
        let vectors = &target.index.vectors;
        let selection = Selection::Version(target.workspace, target.version);
        let expected = drafts.len() as u64;
        let mut position = 0;
        for batch in drafts.chunks(BATCH_CHUNKS) {
            report_stage(on_stage, IngestStage::Embedding { done: position, total: drafts.len() as u32 })?;
            let points = self.points(target, batch, position).await?;
            position += points.len() as u32;
            vectors.upsert(points).await?;
        }
        let mut stored = vectors.count(selection).await?;
        if stored > expected {
            // What was there is overwritten, position by position. Where chunks were smaller then (the configured sizes
            // have changed), some remain. Removed last: the version may be live, and is found all the time.
            vectors.remove(Selection::VersionFrom(target.workspace, target.version, position)).await?;
            stored = vectors.count(selection).await?;
        }
        if stored != expected {
            return Err(IngestError::ChunksMissing { stored, expected });
        }
        Ok(position)
    }

    async fn points(
        &self,
        target: &ChunkTarget<'_>,
        drafts: &[Draft],
        first_position: u32,
    ) -> Result<Vec<ChunkPoint>, IngestError> {
        let embedder = &target.index.embedder;
        let mut points = Vec::with_capacity(drafts.len());
        let mut to_embed = Vec::new();
        let mut texts = Vec::new();
        for (draft, position) in drafts.iter().zip(first_position..) {
            let chunk = target.chunk(draft, position, self.analyzer.language(&draft.text));
            let sparse = self.analyzer.document_terms((&chunk).into());
            let is_covered = embedder.coverage().covers(chunk.language);
            let dense = target.reusable.get(draft).filter(|_| is_covered).cloned();
            if is_covered && dense.is_none() {
                to_embed.push(points.len());
                texts.push(text_to_embed(draft));
            }
            points.push(ChunkPoint { chunk, dense, sparse });
        }
        let vectors = if texts.is_empty() { Vec::new() } else { embedder.embed_passages(texts).await? };
        if vectors.len() != to_embed.len() {
            let reason = format!("it returned {} vectors for {} texts", vectors.len(), to_embed.len());
            return Err(EmbedError::Failed(reason.into()).into());
        }
        for (at, vector) in to_embed.into_iter().zip(vectors) {
            points[at].dense = Some(vector);
        }
        Ok(points)
    }
}

/// The text that is embedded for a chunk: its headings, then its own text.
fn text_to_embed(draft: &Draft) -> String {
    if draft.context.is_empty() { draft.text.clone() } else { format!("{}\n{}", draft.context, draft.text) }
}
