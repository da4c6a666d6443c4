//! Ingests one document: prepares it, stores it as a new version, makes that live, removes the superseded one.
//!
//! What a crash leaves, by the step that it interrupts (invariants 2 and 3):
//!
//! | interrupted | SQL | vector index | repaired by |
//! |---|---|---|---|
//! | before `begin_version` | nothing new | nothing new | the next ingest |
//! | while chunks are written | a pending version | some of its chunks, which no search returns | the next ingest, which resumes it |
//! | before `publish_version` | a pending version | all of its chunks | the same |
//! | before superseded chunks are removed | the new version is live | chunks of both | [`Sweep`] |
//!
//! A version is published only after the vector index has counted its chunks.

use std::ops::ControlFlow;
use std::sync::Arc;

use db::Database;
use domain::{
    CollectionId, DocumentId, IngestStage, Sha256Digest, WorkspaceId, normalize_source, normalize_tags,
};
use parse::DocumentParser;

use crate::blocking::run_blocking;
use crate::context::IngestContext;
use crate::document_locks::DocumentLocks;
use crate::error::IngestError;
use crate::size_limit::check_size;
use crate::versions::item::{IngestItem, Ingested};
use crate::versions::live_document::live_document;
use crate::versions::prepare::Preparers;
use crate::versions::stage::{OnStage, report_stage};
use crate::versions::store::{StoreRequest, VersionStore};
use crate::versions::sweep::Sweep;
use crate::versions::update_tags::TagUpdate;

/// Ingests documents, one at a time.
#[derive(Clone)]
pub struct Pipeline {
    db: Database,
    document_locks: Arc<DocumentLocks>,
    parser: Arc<dyn DocumentParser>,
    preparers: Preparers,
    store: VersionStore,
    tag_update: TagUpdate,
    sweep: Sweep,
}

impl Pipeline {
    /// A pipeline into the context's database and live index.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            document_locks: context.document_locks.clone(),
            parser: context.parser.clone(),
            preparers: Preparers::new(context),
            store: VersionStore::new(context),
            tag_update: TagUpdate::new(context),
            sweep: Sweep::new(context),
        }
    }

    /// Ingests a document. When it returns `Ok`, the document answers questions and survives a crash.
    ///
    /// # Errors
    /// Any [`IngestError`]; a version that was live before stays live.
    pub async fn ingest(&self, item: IngestItem) -> Result<Ingested, IngestError> {
        self.ingest_in_stages(item, &mut |_| ControlFlow::Continue(())).await
    }

    /// Ingests a document and reports each stage. Where `on_stage` cancels, what is stored by then stays as a crash would
    /// leave it: the next ingest resumes it, [`Pipeline::abandon`] discards it.
    ///
    /// # Errors
    /// As with [`Pipeline::ingest`], and `Cancelled`.
    pub async fn ingest_in_stages(
        &self,
        item: IngestItem,
        on_stage: &mut OnStage<'_>,
    ) -> Result<Ingested, IngestError> {
        let IngestItem { workspace, collection, source, bytes, tags, dated_at, force } = item;
        let source = normalize_source(&source)?;
        let tags = tags.map(normalize_tags).transpose()?;
        let request = StoreRequest { workspace, collection, source, tags, dated_at, force, moved_from: None };
        check_size(bytes.len() as u64)?;
        let hashed = bytes.clone();
        let hash = run_blocking(move || Ok(Sha256Digest::of(&hashed).to_string())).await?;
        if !force
            && let Some(document) = live_document(&self.db, workspace, request.document()).await?
            && document.content_hash == hash
        {
            return match request.tags {
                None => Ok(Ingested::unchanged(&document)),
                Some(tags) => self.tag_update.update_tags(workspace, document.id, tags, dated_at).await,
            };
        }
        report_stage(on_stage, IngestStage::Parsing)?;
        let preparer = self.preparers.for_live_index();
        let prepared = preparer.prepare(self.parser.as_ref(), bytes, &request.source, hash).await?;
        self.store.store(request, prepared, on_stage).await
    }

    /// Discards the unfinished version of a document. Its live version stays.
    ///
    /// # Errors
    /// `Database`.
    pub async fn abandon(
        &self,
        workspace: WorkspaceId,
        collection: CollectionId,
        source: &str,
    ) -> Result<(), IngestError> {
        let document = DocumentId::derive(collection, &normalize_source(source)?);
        let _lock = self.document_locks.acquire(document).await;
        self.db.abandon_version(workspace, document).await?;
        self.sweep.run_or_warn().await;
        Ok(())
    }
}
