//! The way of one document: prepared, stored under a new version, made live, the old version removed.
//!
//! What a crash leaves, by the step it interrupts (invariants 2 and 3):
//!
//! | interrupted | SQL | vector store | mended by |
//! |---|---|---|---|
//! | before `begin_version` | nothing new | nothing new | the next ingest |
//! | while chunks are written | a pending version | some of its chunks, found by nobody | the next ingest, which resumes it |
//! | before `publish_version` | a pending version | all of its chunks | the same |
//! | before the old chunks are removed | the new version is live | chunks of both | [`Pipeline::sweep`] |
//!
//! A version is published only after the store has counted its chunks.

use std::ops::ControlFlow;
use std::sync::Arc;

use db::{BegunVersion, Database, DbError, NewVersion};
use domain::{
    Analyzer, Chunk, ChunkId, ChunkPoint, CollectionId, Document, DocumentId, EmbedError, Index, IngestStage,
    LiveIndex, Selection, VersionId, WorkspaceId,
};
use jiff::Timestamp;
use tracing::warn;

use crate::IngestError;
use crate::apart::DocumentParser;
use crate::chunk::{ChunkOptions, Draft};
use crate::document_locks::DocumentLocks;
use crate::gate::Gate;
use crate::known::KnownVectors;
use crate::parse::ParseError;
use crate::prepare::{Prepared, Preparer, checked_source, content_hash};
use crate::tags::checked_tags;

/// Most bytes of a document: 64 MiB.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Chunks embedded and stored at a time; bounds memory for documents of any size.
const BATCH_CHUNKS: usize = 64;

/// Stale versions read at a time.
const SWEEP_BATCH: u32 = 256;

/// What a pipeline is made of.
pub struct PipelineParts {
    /// The truth.
    pub db: Database,
    /// The index that answers, with its embedder.
    pub index: Arc<LiveIndex>,
    /// Makes terms; the same one must serve questions.
    pub analyzer: Arc<dyn Analyzer>,
    /// Gets the text out of documents.
    pub parser: Arc<dyn DocumentParser>,
    /// How large chunks are.
    pub chunking: ChunkOptions,
}

/// A document to take in.
#[derive(Debug, Clone)]
pub struct IngestItem {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection it goes into; it must exist.
    pub collection: CollectionId,
    /// Where it comes from: a path, a URL, a name. The same source is the same document.
    pub source: String,
    /// Its bytes, at most [`MAX_DOCUMENT_BYTES`].
    pub bytes: Vec<u8>,
    /// What it is sorted by from now on; `None` leaves it as it is.
    pub tags: Option<Vec<String>>,
    /// When its source was last changed, where that is known. Of a content that is in already it changes nothing.
    pub dated_at: Option<Timestamp>,
    /// Take it in even if it has not changed.
    pub force: bool,
}

/// A document that is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ingested {
    /// The document.
    pub document: DocumentId,
    /// What was done.
    pub outcome: Outcome,
    /// Chunks of the live version.
    pub chunks: u32,
}

/// What was done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Added,
    /// It has a new version.
    Updated,
    /// It was in already.
    Unchanged,
}

/// Told how far a document is; says whether to go on with it.
pub type OnStage<'a> = dyn FnMut(IngestStage) -> ControlFlow<()> + Send + 'a;

/// Takes documents in. Cheap to clone; clones share their locks.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) db: Database,
    pub(crate) index: Arc<LiveIndex>,
    pub(crate) gate: Arc<Gate>,
    analyzer: Arc<dyn Analyzer>,
    pub(crate) parser: Arc<dyn DocumentParser>,
    chunking: ChunkOptions,
    pub(crate) locks: Arc<DocumentLocks>,
}

/// Where a document belongs, and what is known of it besides its text.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) workspace: WorkspaceId,
    pub(crate) collection: CollectionId,
    pub(crate) source: String,
    /// As [`checked_tags`] gives them.
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) dated_at: Option<Timestamp>,
    pub(crate) force: bool,
    /// The document that this one was, under another name.
    pub(crate) former: Option<DocumentId>,
}

impl Place {
    pub(crate) fn document(&self) -> DocumentId {
        DocumentId::derive(self.collection, &self.source)
    }
}

impl Pipeline {
    /// Puts the parts together.
    pub fn new(parts: PipelineParts) -> Self {
        let PipelineParts { db, index, analyzer, parser, chunking } = parts;
        Self { db, index, gate: Arc::default(), analyzer, parser, chunking, locks: Arc::default() }
    }

    /// Takes a document in. When it returns `Ok`, the document answers questions and survives a crash.
    ///
    /// # Errors
    /// Any [`IngestError`]; a version that was live before stays live.
    pub async fn ingest(&self, item: IngestItem) -> Result<Ingested, IngestError> {
        self.ingest_in_stages(item, &mut |_| ControlFlow::Continue(())).await
    }

    /// The same, told how far it is. Where `on_stage` says that it is enough, what was done by then stays as a crash would
    /// leave it: the next ingest goes on from there, [`Pipeline::abandon`] puts it away.
    ///
    /// # Errors
    /// As with [`Pipeline::ingest`], and `Cancelled`.
    pub async fn ingest_in_stages(
        &self,
        item: IngestItem,
        on_stage: &mut OnStage<'_>,
    ) -> Result<Ingested, IngestError> {
        let IngestItem { workspace, collection, source, bytes, tags, dated_at, force } = item;
        let source = checked_source(&source)?;
        let tags = tags.map(checked_tags).transpose()?;
        let place = Place { workspace, collection, source, tags, dated_at, force, former: None };
        check_size(bytes.len() as u64)?;
        let (bytes, hash) = on_blocking_thread(move || {
            let hash = content_hash(&bytes);
            Ok((bytes, hash))
        })
        .await?;
        if !force
            && let Some(document) = self.live_document(workspace, place.document()).await?
            && document.content_hash == hash
        {
            return match place.tags {
                None => Ok(unchanged(&document)),
                Some(tags) => self.retag(workspace, document.id, tags, dated_at).await,
            };
        }
        go_on(on_stage(IngestStage::Reading))?;
        let preparer = self.preparer();
        let name = place.source.clone();
        let parser = self.parser.clone();
        let prepared =
            on_blocking_thread(move || preparer.prepare(parser.parse(&bytes, &name)?, &name, hash)).await?;
        self.store(place, prepared, on_stage).await
    }

    /// Puts away what was begun of a document and not finished. The version that answers goes on to.
    ///
    /// # Errors
    /// `Database`.
    pub async fn abandon(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        source: &str,
    ) -> Result<(), IngestError> {
        let document = DocumentId::derive(collection, &checked_source(source)?);
        let _turn = self.locks.acquire(document).await;
        self.db.abandon_version(workspace, document).await?;
        self.sweep_or_leave().await;
        Ok(())
    }

    /// Stores what was prepared and makes it live.
    pub(crate) async fn store(
        &self,
        place: Place,
        prepared: Prepared,
        on_stage: &mut OnStage<'_>,
    ) -> Result<Ingested, IngestError> {
        let _turn = self.locks.acquire(place.document()).await;
        self.store_in_turn(place, prepared, on_stage).await
    }

    /// The same for who holds the document's lock.
    pub(crate) async fn store_in_turn(
        &self,
        place: Place,
        prepared: Prepared,
        on_stage: &mut OnStage<'_>,
    ) -> Result<Ingested, IngestError> {
        // From here to the flip no other index takes over.
        let _storing = self.gate.store().await;
        let prepared = self.fitted(prepared).await?;
        let Place { workspace, collection, source, tags, dated_at, force, former } = place;
        let Prepared { index, content_hash, title, language, text, page_starts, drafts } = prepared;
        let before = self.live_document(workspace, DocumentId::derive(collection, &source)).await?;
        let kept_tags = || before.as_ref().map(|document| document.tags.clone());
        let new = NewVersion {
            workspace,
            collection,
            source: source.clone(),
            title: title.clone(),
            content_hash,
            language,
            text,
            page_starts,
            tags: tags.or_else(kept_tags).unwrap_or_default(),
            dated_at,
            force,
        };
        let version = match self.db.begin_version(new).await? {
            BegunVersion::Unchanged(document) => return Ok(unchanged(&document)),
            BegunVersion::Pending(version) => version,
        };
        // To force means to make everything anew.
        let known = match self.former_version(workspace, before.as_ref(), former).await? {
            Some(former) if !force => KnownVectors::of(&index, (workspace, former), &drafts).await?,
            _ => KnownVectors::default(),
        };
        let writing = Writing {
            index: &index,
            known: &known,
            workspace,
            collection,
            document: version.document,
            version: version.id,
            source: &source,
            title: &title,
            tags: &version.tags,
            dated_at: version.dated_at,
        };
        let chunks = self.write_chunks(&writing, &drafts, on_stage).await?;
        let document = match self.db.publish_version(workspace, version.id, chunks).await {
            Ok(document) => document,
            Err(error) => {
                if matches!(error, DbError::Conflict(_)) {
                    // The document or its collection was deleted meanwhile: nobody will need these chunks.
                    self.sweep_or_leave().await;
                }
                return Err(error.into());
            }
        };
        self.sweep_or_leave().await;
        let outcome = if before.is_some() { Outcome::Updated } else { Outcome::Added };
        Ok(Ingested { document: document.id, outcome, chunks })
    }

    /// The version whose chunks may be found in the one to be stored.
    async fn former_version(
        &self,
        workspace: WorkspaceId,
        before: Option<&Document>,
        former: Option<DocumentId>,
    ) -> Result<Option<VersionId>, IngestError> {
        match (before, former) {
            (Some(before), _) => Ok(before.live_version),
            (None, Some(former)) => {
                let former = self.live_document(workspace, former).await?;
                Ok(former.and_then(|former| former.live_version))
            }
            (None, None) => Ok(None),
        }
    }

    /// What was prepared, sized anew if another index has taken over in between.
    async fn fitted(&self, prepared: Prepared) -> Result<Prepared, IngestError> {
        let preparer = self.preparer();
        if preparer.is_of(&prepared.index) {
            return Ok(prepared);
        }
        let Prepared { title, content_hash, text, page_starts, .. } = prepared;
        on_blocking_thread(move || preparer.prepare_text(title, content_hash, text, page_starts)).await
    }

    /// Deletes a document. It is gone for every question when this returns.
    ///
    /// # Errors
    /// `Database` with `NotFound` where there is no such document.
    pub async fn remove(&self, workspace: WorkspaceId, document: DocumentId) -> Result<(), IngestError> {
        let _turn = self.locks.acquire(document).await;
        self.db.delete_document(workspace, document).await?;
        self.sweep_or_leave().await;
        Ok(())
    }

    /// Removes the chunks of versions that can never be found again. Returns the number of versions.
    ///
    /// # Errors
    /// `Database` or `Vectors`; what is left is swept the next time.
    pub async fn sweep(&self) -> Result<u64, IngestError> {
        let mut swept = 0;
        loop {
            // One index for the list and for what is done with it.
            let _sweeping = self.gate.sweep().await;
            let stale = self.db.stale_versions(SWEEP_BATCH).await?;
            if stale.is_empty() {
                return Ok(swept);
            }
            let index = self.index.current();
            for version in stale {
                index.vectors.remove(Selection::Version(version.workspace, version.version)).await?;
                self.db.forget_chunks(version.version).await?;
                swept += 1;
            }
        }
    }

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

    /// Sweeps after what was asked for is done and acknowledged; chunks that cannot be removed now are found by
    /// nobody and can wait.
    async fn sweep_or_leave(&self) {
        if let Err(error) = self.sweep().await {
            warn!(%error, "superseded chunks stay in the vector store until the next sweep");
        }
    }

    /// The document if it has a live version.
    pub(crate) async fn live_document(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
    ) -> Result<Option<Document>, IngestError> {
        match self.db.document(workspace, document).await {
            Ok(document) => Ok(Some(document).filter(|document| document.live_version.is_some())),
            Err(DbError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The stage before storing, for callers that prepare one document while another one is stored.
    pub(crate) fn preparer(&self) -> Preparer {
        self.preparer_for(self.index.current())
    }

    /// The same for another index than the one that answers.
    pub(crate) fn preparer_for(&self, index: Arc<Index>) -> Preparer {
        Preparer::new(index, self.analyzer.clone(), self.chunking)
    }
}

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

/// A chunk as the embedder reads it: under its headings.
fn text_to_embed(draft: &Draft) -> String {
    if draft.context.is_empty() { draft.text.clone() } else { format!("{}\n{}", draft.context, draft.text) }
}

pub(crate) fn unchanged(document: &Document) -> Ingested {
    Ingested { document: document.id, outcome: Outcome::Unchanged, chunks: document.chunk_count }
}

fn go_on(whether: ControlFlow<()>) -> Result<(), IngestError> {
    match whether {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(IngestError::Cancelled),
    }
}

pub(crate) fn check_size(bytes: u64) -> Result<(), IngestError> {
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(IngestError::TooLarge { bytes, max_bytes: MAX_DOCUMENT_BYTES });
    }
    Ok(())
}

/// Runs heavy work where it does not hold up other tasks. A panic in it (in a parser, on hostile input) becomes an
/// error of this document.
pub(crate) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IngestError> + Send + 'static,
) -> Result<T, IngestError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ParseError::Failed(error.to_string()).into()),
    }
}
