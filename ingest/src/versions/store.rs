//! Stores a prepared document as a new version: begins it in SQL, writes its chunks, publishes it.

use std::ops::ControlFlow;
use std::sync::Arc;

use db::{BegunVersion, Database, DbError, NewVersion};
use domain::{CollectionId, Document, DocumentId, Version, VersionId, WorkspaceId};
use jiff::Timestamp;
use tracing::warn;

use crate::blocking::run_blocking;
use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::erasure::originals_removal::OriginalsRemoval;
use crate::error::IngestError;
use crate::index::lock::IndexLock;
use crate::index::vector_reuse::ReusableVectors;
use crate::originals::Originals;
use crate::versions::item::{Ingested, Outcome};
use crate::versions::live_document::live_document;
use crate::versions::prepare::{Prepared, Preparers};
use crate::versions::stage::OnStage;
use crate::versions::sweep::Sweep;
use crate::versions::write::{ChunkTarget, ChunkWriter};

/// Where a document belongs, and what is known of it besides its content.
#[derive(Debug, Clone)]
pub(crate) struct StoreRequest {
    pub(crate) workspace: WorkspaceId,
    pub(crate) collection: CollectionId,
    /// As `normalize_source` gives it.
    pub(crate) source: String,
    /// As `normalize_tags` gives them; `None` keeps those of the live version.
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) dated_at: Option<Timestamp>,
    /// Store it, and embed every chunk, even if the content has not changed.
    pub(crate) force: bool,
    /// The document that this one was under another source.
    pub(crate) moved_from: Option<DocumentId>,
}

impl StoreRequest {
    /// The document's id.
    pub(crate) fn document(&self) -> DocumentId {
        DocumentId::derive(self.collection, &self.source)
    }
}

/// Stores versions and makes them live.
#[derive(Clone)]
pub(crate) struct VersionStore {
    db: Database,
    document_locks: Arc<DocumentLocks>,
    index_lock: Arc<IndexLock>,
    originals: Originals,
    preparers: Preparers,
    writer: ChunkWriter,
    sweep: Sweep,
    originals_removal: OriginalsRemoval,
    keep_versions: u32,
}

impl VersionStore {
    pub(crate) fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            document_locks: context.document_locks.clone(),
            index_lock: context.index_lock.clone(),
            originals: context.originals.clone(),
            preparers: Preparers::new(context),
            writer: ChunkWriter::new(context.analyzer.clone()),
            sweep: Sweep::new(context),
            originals_removal: OriginalsRemoval::new(context),
            keep_versions: context.keep_versions,
        }
    }

    /// Stores a prepared document and makes it live.
    pub(crate) async fn store(
        &self,
        request: StoreRequest,
        prepared: Prepared,
        on_stage: &mut OnStage<'_>,
    ) -> Result<Ingested, IngestError> {
        let _lock = self.document_locks.acquire(request.document()).await;
        self.store_locked(request, prepared, on_stage).await
    }

    /// Makes a new version of `document` from the stored text, the tags and the date of `version`. The caller holds the
    /// document's lock.
    pub(crate) async fn store_text_locked(
        &self,
        document: Document,
        version: Version,
        force: bool,
    ) -> Result<Ingested, IngestError> {
        let Version { title, content_hash, text, page_starts, tags, dated_at, .. } = version;
        let request = StoreRequest {
            workspace: document.workspace,
            collection: document.collection,
            source: document.source,
            tags: Some(tags),
            dated_at: Some(dated_at),
            force,
            moved_from: None,
        };
        let preparer = self.preparers.for_live_index();
        let prepared = run_blocking(move || preparer.prepare_text(title, content_hash, text, page_starts));
        self.store_locked(request, prepared.await?, &mut |_| ControlFlow::Continue(())).await
    }

    /// Stores a prepared document and makes it live. The caller holds the document's lock.
    async fn store_locked(
        &self,
        request: StoreRequest,
        prepared: Prepared,
        on_stage: &mut OnStage<'_>,
    ) -> Result<Ingested, IngestError> {
        // From here until the version is published, no other index takes over.
        let _storing = self.index_lock.store().await;
        let mut prepared = self.for_live_index(prepared).await?;
        // Before a row names it, and claimed until one does.
        let kept = match prepared.original.take() {
            Some(bytes) => Some(self.originals.keep_bytes(&prepared.content_hash, bytes).await?),
            None => None,
        };
        let before = live_document(&self.db, request.workspace, request.document()).await?;
        let version =
            match self.db.begin_version(new_version(&request, &mut prepared, before.as_ref())).await? {
                BegunVersion::Unchanged(document) => return Ok(Ingested::unchanged(&document)),
                BegunVersion::Pending(version) => version,
            };
        drop(kept);
        let reusable = self.reusable_vectors(&request, before.as_ref(), &prepared).await?;
        let target = ChunkTarget {
            index: &prepared.index,
            reusable: &reusable,
            workspace: request.workspace,
            collection: request.collection,
            document: version.document,
            version: version.id,
            source: &request.source,
            title: &prepared.title,
            tags: &version.tags,
            dated_at: version.dated_at,
        };
        let chunks = self.writer.write(&target, &prepared.drafts, on_stage).await?;
        let document = self.publish(request.workspace, version.id, chunks).await?;
        self.sweep.run_or_warn().await;
        self.prune(request.workspace, document.id).await;
        let outcome = if before.is_some() { Outcome::Updated } else { Outcome::Added };
        Ok(Ingested { document: document.id, outcome, chunks })
    }

    /// The prepared document, chunked again if another index has taken over since.
    async fn for_live_index(&self, prepared: Prepared) -> Result<Prepared, IngestError> {
        let preparer = self.preparers.for_live_index();
        if Arc::ptr_eq(preparer.index(), &prepared.index) {
            return Ok(prepared);
        }
        let Prepared { title, content_hash, original, text, page_starts, .. } = prepared;
        let fitted =
            run_blocking(move || preparer.prepare_text(title, content_hash, text, page_starts)).await?;
        Ok(Prepared { original, ..fitted })
    }

    /// Vectors of the version that this one replaces, or of the document that it was before it moved.
    async fn reusable_vectors(
        &self,
        request: &StoreRequest,
        before: Option<&Document>,
        prepared: &Prepared,
    ) -> Result<ReusableVectors, IngestError> {
        if request.force {
            return Ok(ReusableVectors::default());
        }
        let former = match (before, request.moved_from) {
            (Some(before), _) => before.live_version,
            (None, Some(moved_from)) => {
                let moved = live_document(&self.db, request.workspace, moved_from).await?;
                moved.and_then(|document| document.live_version)
            }
            (None, None) => None,
        };
        match former {
            Some(former) => {
                ReusableVectors::load(&prepared.index, (request.workspace, former), &prepared.drafts).await
            }
            None => Ok(ReusableVectors::default()),
        }
    }

    /// Deletes the oldest versions. A failure is only logged: the next version deletes them, too.
    async fn prune(&self, workspace: WorkspaceId, document: DocumentId) {
        let pruned = self.db.prune_versions(workspace, document, self.keep_versions).await;
        let removed = match pruned {
            Ok(0) => return,
            Ok(_) => self.originals_removal.run().await.map(drop),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = removed {
            warn!(error = error.message(), "old versions or their originals stay until the next version");
        }
    }

    async fn publish(
        &self,
        workspace: WorkspaceId,
        version: VersionId,
        chunks: u32,
    ) -> Result<Document, IngestError> {
        let published = self.db.publish_version(workspace, version, chunks).await;
        if matches!(published, Err(DbError::Conflict(_) | DbError::NotFound(_))) {
            // The document or its collection was deleted meanwhile, so nobody needs these chunks.
            self.sweep.run_or_warn().await;
        }
        Ok(published?)
    }
}

/// The row of a new version. Takes the text out of `prepared`: it can be long, and chunks no longer need it.
fn new_version(request: &StoreRequest, prepared: &mut Prepared, before: Option<&Document>) -> NewVersion {
    let kept_tags = || before.map(|document| document.tags.clone());
    NewVersion {
        workspace: request.workspace,
        collection: request.collection,
        source: request.source.clone(),
        title: prepared.title.clone(),
        content_hash: prepared.content_hash.clone(),
        language: prepared.language,
        text: std::mem::take(&mut prepared.text),
        page_starts: std::mem::take(&mut prepared.page_starts),
        tags: request.tags.clone().or_else(kept_tags).unwrap_or_default(),
        dated_at: request.dated_at,
        force: request.force,
    }
}
