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

use bytes::Bytes;
use db::{BegunVersion, Database, DbError, NewVersion};
use domain::{
    Analyzer, CollectionId, Document, DocumentId, Index, IngestStage, LiveIndex, Selection, VersionId,
    WorkspaceId,
};
use jiff::Timestamp;
use tracing::warn;

use crate::IngestError;
use crate::apart::DocumentParser;
use crate::chunk::ChunkOptions;
use crate::document_locks::DocumentLocks;
use crate::gate::Gate;
use crate::known::KnownVectors;
use crate::originals::Originals;
use crate::parse::ParseError;
use crate::prepare::{Prepared, Preparer, checked_source, content_hash};
use crate::tags::checked_tags;
use crate::write::Writing;

/// Most bytes of a document: 64 MiB.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

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
    /// Keeps source bytes.
    pub originals: Originals,
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
    pub bytes: Bytes,
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
    pub(crate) analyzer: Arc<dyn Analyzer>,
    pub(crate) originals: Originals,
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
        let PipelineParts { db, index, analyzer, originals, parser, chunking } = parts;
        let (gate, locks) = (Arc::default(), Arc::default());
        Self { db, index, gate, analyzer, originals, parser, chunking, locks }
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
        let hashed = bytes.clone();
        let hash = on_blocking_thread(move || Ok(content_hash(&hashed))).await?;
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
        let prepared = on_blocking_thread(move || preparer.read(parser.as_ref(), bytes, &name, hash)).await?;
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
        let Prepared { index, content_hash, original, title, language, text, page_starts, drafts } = prepared;
        if let Some(bytes) = original {
            // Before a row names it.
            self.originals.keep_bytes(&content_hash, bytes).await?;
        }
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
        let Prepared { title, content_hash, original, text, page_starts, .. } = prepared;
        let fitted =
            on_blocking_thread(move || preparer.prepare_text(title, content_hash, text, page_starts)).await?;
        Ok(Prepared { original, ..fitted })
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

pub(crate) fn unchanged(document: &Document) -> Ingested {
    Ingested { document: document.id, outcome: Outcome::Unchanged, chunks: document.chunk_count }
}

pub(crate) fn go_on(whether: ControlFlow<()>) -> Result<(), IngestError> {
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
