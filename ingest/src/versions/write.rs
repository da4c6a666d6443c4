//! The chunks of one version into the vector store: embedded, analysed, and counted there.

use domain::{
    Chunk, ChunkId, ChunkPoint, CollectionId, DocumentId, EmbedError, Index, IngestStage, Selection,
    VersionId, WorkspaceId,
};
use jiff::Timestamp;

use crate::chunk::Draft;
use crate::known::KnownVectors;
use crate::pipeline::{OnStage, go_on};
use crate::{IngestError, Pipeline};

/// Chunks embedded and stored at a time; bounds memory for documents of any size.
const BATCH_CHUNKS: usize = 64;

/// What the chunks of one version have in common, and where they go.
pub(crate) struct Writing<'a> {
    pub(crate) index: &'a Index,
    /// What need not be embedded again.
    pub(crate) known: &'a KnownVectors,
    pub(crate) workspace: WorkspaceId,
    pub(crate) collection: CollectionId,
    pub(crate) document: DocumentId,
    pub(crate) version: VersionId,
    pub(crate) source: &'a str,
    pub(crate) title: &'a str,
    pub(crate) tags: &'a [String],
    pub(crate) dated_at: Timestamp,
}

impl Writing<'_> {
    fn chunk(&self, draft: &Draft, position: u32, language: domain::Language) -> Chunk {
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

impl Pipeline {
    /// Embeds, analyses and stores the drafts, batch by batch. Returns their number.
    pub(crate) async fn write_chunks(
        &self,
        writing: &Writing<'_>,
        drafts: &[Draft],
        on_stage: &mut OnStage<'_>,
    ) -> Result<u32, IngestError> {
        let vectors = &writing.index.vectors;
        let selection = Selection::Version(writing.workspace, writing.version);
        let expected = drafts.len() as u64;
        // An interrupted attempt left chunks at the first positions. They are overwritten; only if chunks were smaller
        // then (the sizes in the configuration changed) some would remain.
        if vectors.count(selection).await? > expected {
            vectors.remove(selection).await?;
        }
        let mut position = 0;
        for batch in drafts.chunks(BATCH_CHUNKS) {
            go_on(on_stage(IngestStage::Embedding { done: position, total: drafts.len() as u32 }))?;
            let points = self.points(writing, batch, position).await?;
            position += points.len() as u32;
            vectors.upsert(points).await?;
        }
        let stored = vectors.count(selection).await?;
        if stored != expected {
            return Err(IngestError::ChunksMissing { stored, expected });
        }
        Ok(position)
    }

    async fn points(
        &self,
        writing: &Writing<'_>,
        drafts: &[Draft],
        first_position: u32,
    ) -> Result<Vec<ChunkPoint>, IngestError> {
        let embedder = &writing.index.embedder;
        let mut points = Vec::with_capacity(drafts.len());
        let mut embedded = Vec::new();
        let mut texts = Vec::new();
        for (draft, position) in drafts.iter().zip(first_position..) {
            let chunk = writing.chunk(draft, position, self.analyzer.language(&draft.text));
            let sparse = self.analyzer.document_terms((&chunk).into());
            let is_covered = embedder.coverage().covers(chunk.language);
            let dense = writing.known.get(draft).filter(|_| is_covered).cloned();
            if is_covered && dense.is_none() {
                embedded.push(points.len());
                texts.push(text_to_embed(draft));
            }
            points.push(ChunkPoint { chunk, dense, sparse });
        }
        let vectors = if texts.is_empty() { Vec::new() } else { embedder.embed_passages(texts).await? };
        if vectors.len() != embedded.len() {
            let reason = format!("{} vectors came for {} texts", vectors.len(), embedded.len());
            return Err(EmbedError::Failed(reason).into());
        }
        for (at, vector) in embedded.into_iter().zip(vectors) {
            points[at].dense = Some(vector);
        }
        Ok(points)
    }
}

/// A chunk as the embedder reads it: under its headings.
fn text_to_embed(draft: &Draft) -> String {
    if draft.context.is_empty() { draft.text.clone() } else { format!("{}\n{}", draft.context, draft.text) }
}
