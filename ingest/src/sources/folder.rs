//! Keeps a collection in step with a folder: ingests new and changed files, deletes the documents of deleted ones.
//!
//! A source is the file's absolute path, so that two folders of one collection stay apart. Only documents from below the
//! root are ever deleted, each with the finding that its file is gone. Which files belong to a folder is decided in [`walk`].

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use domain::{Absence, CollectionId, DocumentId, WorkspaceId, normalize_tags};
use futures::StreamExt;
use jiff::Timestamp;
use parse::DocumentParser;

use crate::blocking::run_blocking;
use crate::context::IngestContext;
use crate::erasure::erasures::Erasures;
use crate::error::IngestError;
use crate::sources::removal::{AbsentRemoval, RemovalLimit};
use crate::sources::report::{FailedSource, IngestReport, SyncEvent};
use crate::sources::walk::{FoundFile, FoundFiles, PreparedFile, prepare_file, walk};
use crate::versions::item::{Ingested, Outcome};
use crate::versions::prepare::{Prepared, Preparers};
use crate::versions::store::{StoreRequest, VersionStore};
use crate::versions::update_tags::TagUpdate;

/// Documents prepared ahead of the one that is being embedded.
const PREPARED_AHEAD: usize = 2;

/// A folder to sync.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// A folder, or a single file.
    pub root: PathBuf,
    /// New tags of all of its files; `None` keeps those of each.
    pub tags: Option<Vec<String>>,
    /// Ingest files even if they have not changed.
    pub force: bool,
    /// Delete the collection's documents that came from below the root and whose file is gone.
    pub prune: bool,
    /// How many of them may be deleted.
    pub removals: RemovalLimit,
}

/// Makes a collection hold what a folder holds.
///
/// A file that fails is in the report, and its document, if it has one, stays as it was. If any part of the
/// folder cannot be read, nothing is deleted; if an archive cannot be opened, nothing that was in it. Where the documents
/// to delete are too many, none is deleted, and the report says so.
///
/// # Errors
/// `BadTags`, `Unreadable` and `NoFiles` for the request itself, and those that concern every document
/// ([`IngestError::concerns_every_document`]).
pub async fn sync_folder(
    context: &IngestContext,
    mut request: SyncRequest,
    on_event: impl FnMut(SyncEvent) + Send,
) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    request.tags = request.tags.map(normalize_tags).transpose()?;
    let root = request.root.clone();
    let mut found = run_blocking(move || walk(&root)).await?;
    let stored = context.db.document_sources(request.workspace, request.collection).await?;
    let known: HashMap<String, String> =
        stored.iter().map(|row| (row.source.clone(), row.content_hash.clone())).collect();
    found.failed.extend(found.hidden(known.keys()));
    let documents = known.keys().filter(|source| found.covers(source)).count();
    let mut gone: HashMap<String, Vec<GoneDocument>> = HashMap::new();
    for row in stored.into_iter().filter(|_| request.prune) {
        if let Some(absence) = found.absence(&row.source) {
            let former = GoneDocument { absence, document: row.document, tags: row.tags };
            gone.entry(row.content_hash).or_default().push(former);
        }
    }
    let mut sync = FolderSync {
        parser: context.parser.clone(),
        preparers: Preparers::new(context),
        store: VersionStore::new(context),
        tag_update: TagUpdate::new(context),
        removal: AbsentRemoval::new(context, request.workspace, request.collection),
        request,
        known,
        documents,
        gone,
        report: IngestReport::default(),
        on_event,
    };
    sync.run(found).await?;
    if sync.report.moved + sync.report.removed > 0 {
        Erasures::new(context).finish_or_warn().await;
    }
    sync.report.seconds = started.elapsed().as_secs_f64();
    Ok(sync.report)
}

/// A document whose file is no longer in the folder.
struct GoneDocument {
    absence: Absence,
    document: DocumentId,
    tags: Vec<String>,
}

struct FolderSync<F> {
    parser: Arc<dyn DocumentParser>,
    preparers: Preparers,
    store: VersionStore,
    tag_update: TagUpdate,
    removal: AbsentRemoval,
    request: SyncRequest,
    /// Content hashes of the collection's documents by source.
    known: HashMap<String, String>,
    /// Number of documents that came from below the root.
    documents: usize,
    /// Documents to delete, by content hash: a new file with the same content is the same file, moved.
    gone: HashMap<String, Vec<GoneDocument>>,
    report: IngestReport,
    on_event: F,
}

impl<F: FnMut(SyncEvent) + Send> FolderSync<F> {
    async fn run(&mut self, found: FoundFiles) -> Result<(), IngestError> {
        let root = found.root().to_owned();
        (self.on_event)(SyncEvent::Found { files: found.files.len() });
        for failed in found.failed {
            self.fail(failed);
        }
        self.ingest_files(found.files).await?;
        self.remove_gone(root).await
    }

    /// Deletes the documents that did not move, unless they are too many.
    async fn remove_gone(&mut self, root: String) -> Result<(), IngestError> {
        let gone: Vec<GoneDocument> = std::mem::take(&mut self.gone).into_values().flatten().collect();
        if let Err(error) = self.request.removals.check(gone.len(), self.documents) {
            self.fail(FailedSource::new(root, &error));
            return Ok(());
        }
        for gone in gone {
            self.remove(gone).await?;
            self.report.removed += 1;
        }
        Ok(())
    }

    /// Prepares some files ahead while one is embedded and stored.
    async fn ingest_files(&mut self, files: Vec<FoundFile>) -> Result<(), IngestError> {
        let (parser, preparers) = (self.parser.clone(), self.preparers.clone());
        let (force, known) = (self.request.force, self.known.clone());
        let preparing = files.into_iter().map(move |file| {
            let (parser, preparer) = (parser.clone(), preparers.for_live_index());
            let known_hash = known.get(&file.source).filter(|_| !force).cloned();
            async move {
                let (source, modified_at) = (file.source.clone(), file.modified_at);
                let prepared = prepare_file(file, parser.as_ref(), &preparer, known_hash).await;
                (source, modified_at, prepared)
            }
        });
        let mut preparing = futures::stream::iter(preparing).buffered(PREPARED_AHEAD);
        while let Some((source, modified_at, prepared)) = preparing.next().await {
            let stored = match prepared {
                Ok(PreparedFile::Unchanged) => self.update_tags(&source, modified_at).await,
                Ok(PreparedFile::Changed(prepared)) => self.store(&source, modified_at, *prepared).await,
                Err(error) => Err(error),
            };
            match stored {
                Ok((outcome, chunks_written)) => self.finish(source, outcome, chunks_written),
                Err(error) if error.concerns_every_document() => return Err(error),
                Err(error) => self.fail(FailedSource::new(source, &error)),
            }
        }
        Ok(())
    }

    /// Gives a document whose content has not changed the tags of the request. Returns what was done, and chunks written.
    async fn update_tags(
        &mut self,
        source: &str,
        modified_at: Option<Timestamp>,
    ) -> Result<(Outcome, u32), IngestError> {
        let SyncRequest { workspace, collection, .. } = self.request;
        let Some(tags) = self.request.tags.clone() else { return Ok((Outcome::Unchanged, 0)) };
        let document = DocumentId::derive(collection, source);
        let updated = self.tag_update.update_tags(workspace, document, tags, modified_at).await?;
        Ok((updated.outcome, updated.chunks_written()))
    }

    /// Stores a document; if it is one that moved, deletes it under its former source. Returns what was done, and chunks
    /// written.
    async fn store(
        &mut self,
        source: &str,
        dated_at: Option<Timestamp>,
        prepared: Prepared,
    ) -> Result<(Outcome, u32), IngestError> {
        let hash = prepared.content_hash.clone();
        let ingested = self.store_version(source, dated_at, prepared).await?;
        if ingested.outcome == Outcome::Added {
            match self.gone.get_mut(&hash).and_then(Vec::pop) {
                Some(former) => {
                    self.removal.remove_moved(&former.absence, ingested.document).await?;
                    (self.on_event)(SyncEvent::Removed { source: former.absence.source().to_owned() });
                    self.report.moved += 1;
                }
                None => self.report.added += 1,
            }
        }
        Ok((ingested.outcome, ingested.chunks_written()))
    }

    async fn store_version(
        &mut self,
        source: &str,
        dated_at: Option<Timestamp>,
        prepared: Prepared,
    ) -> Result<Ingested, IngestError> {
        let former = self.gone.get(&prepared.content_hash).and_then(|gone| gone.last());
        let former_tags =
            former.filter(|_| !self.known.contains_key(source)).map(|former| former.tags.clone());
        let request = StoreRequest {
            workspace: self.request.workspace,
            collection: self.request.collection,
            source: source.to_owned(),
            tags: self.request.tags.clone().or(former_tags),
            dated_at,
            force: self.request.force,
            moved_from: former.map(|former| former.document),
        };
        let on_event = &mut self.on_event;
        let on_stage = &mut |stage| {
            on_event(SyncEvent::Progress { source: source.to_owned(), stage });
            ControlFlow::Continue(())
        };
        self.store.store(request, prepared, on_stage).await
    }

    async fn remove(&mut self, gone: GoneDocument) -> Result<(), IngestError> {
        self.removal.remove(&gone.absence).await?;
        (self.on_event)(SyncEvent::Removed { source: gone.absence.source().to_owned() });
        Ok(())
    }

    fn finish(&mut self, source: String, outcome: Outcome, chunks_written: u32) {
        self.report.updated += u64::from(outcome == Outcome::Updated);
        self.report.unchanged += u64::from(outcome == Outcome::Unchanged);
        self.report.chunks += u64::from(chunks_written);
        (self.on_event)(SyncEvent::Finished { source, outcome, chunks_written });
    }

    fn fail(&mut self, failed: FailedSource) {
        self.report.failed.push(failed.clone());
        (self.on_event)(SyncEvent::Failed(failed));
    }
}
