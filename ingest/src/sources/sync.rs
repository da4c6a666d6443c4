//! A folder as a collection sees it: new files come in, changed ones are updated, deleted ones go.
//!
//! Which files: all below the root, whatever a `.gitignore` says (it is about source control, not about what
//! people may ask), except hidden ones (a name that begins with a dot) and what a symbolic link points to.
//! A source is the file's absolute path, so that folders of one collection stay apart; what is deleted lies below the
//! root, and documents from elsewhere are never touched.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use domain::{CollectionId, DocumentId, IngestStage, WorkspaceId};
use futures::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::folder::{FoundFile, FoundFiles, Read, read, walk};
use crate::pipeline::{Ingested, Outcome, Place, on_blocking_thread};
use crate::prepare::Prepared;
use crate::{IngestError, Pipeline, checked_tags};

/// Documents prepared ahead of the one that is being embedded.
const PREPARED_AHEAD: usize = 2;

/// What to bring in.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The collection; it must exist.
    pub collection: CollectionId,
    /// A folder, or a single file.
    pub root: PathBuf,
    /// What all of its files are sorted by from now on; `None` leaves each as it is.
    pub tags: Option<Vec<String>>,
    /// Take files in even if they have not changed.
    pub force: bool,
    /// Delete the collection's documents that came from below the root and whose file is gone.
    pub prune: bool,
}

/// What happens while a folder is brought in.
#[derive(Debug, Clone, PartialEq)]
pub enum SyncEvent {
    /// So many files were found.
    Found {
        /// Number of files.
        files: usize,
    },
    /// A file is that far.
    Progress {
        /// Its absolute path.
        source: String,
        /// How far.
        stage: IngestStage,
    },
    /// A file is in.
    Finished {
        /// Its absolute path.
        source: String,
        /// What was done.
        outcome: Outcome,
        /// Chunks written for it; 0 where nothing had changed.
        chunks_written: u32,
    },
    /// A file is not in.
    Failed(FailedSource),
    /// A document whose file is gone was deleted.
    Removed {
        /// Its former path.
        source: String,
    },
}

/// What was done with a folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IngestReport {
    /// New documents.
    pub added: u64,
    /// Documents with a new version.
    pub updated: u64,
    /// Files that only changed their path.
    pub moved: u64,
    /// Files that were in already.
    pub unchanged: u64,
    /// Documents deleted because their file is gone.
    pub removed: u64,
    /// Chunks written.
    pub chunks: u64,
    /// Time it took.
    pub seconds: f64,
    /// Files that are not in, and why.
    pub failed: Vec<FailedSource>,
}

/// A source that is not in, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSource {
    /// Its absolute path, or its name.
    pub source: String,
    /// [`IngestError::code`].
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl IngestReport {
    /// Whether all was as it should be already.
    pub fn is_idle(&self) -> bool {
        self.added + self.updated + self.moved + self.removed == 0 && self.failed.is_empty()
    }

    /// Adds what became of one document that came from elsewhere than a folder.
    ///
    /// # Errors
    /// What concerns every document.
    pub fn add(
        &mut self,
        source: String,
        ingested: Result<Ingested, IngestError>,
    ) -> Result<(), IngestError> {
        match ingested {
            Ok(ingested) => {
                let (outcome, chunks) = written(ingested);
                self.added += u64::from(outcome == Outcome::Added);
                self.updated += u64::from(outcome == Outcome::Updated);
                self.unchanged += u64::from(outcome == Outcome::Unchanged);
                self.chunks += u64::from(chunks);
            }
            Err(error) if error.concerns_every_document() => return Err(error),
            Err(error) => self.failed.push(FailedSource::new(source, &error)),
        }
        Ok(())
    }

    /// Adds what was done with another root.
    pub fn merge(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.moved += other.moved;
        self.unchanged += other.unchanged;
        self.removed += other.removed;
        self.chunks += other.chunks;
        self.seconds += other.seconds;
        self.failed.extend(other.failed);
    }
}

impl FailedSource {
    pub(crate) fn new(source: String, error: &IngestError) -> Self {
        Self { source, code: error.code().to_owned(), message: error.to_string() }
    }
}

/// Makes a collection hold what a folder holds.
///
/// A file that fails is in the report, and its document, if it has one, stays as it was. If any part of the
/// folder cannot be read, nothing is deleted.
///
/// # Errors
/// `BadTags`, `Unreadable` and `NoFiles` for the request itself, and what concerns every document
/// ([`IngestError::concerns_every_document`]).
pub async fn sync_folder(
    pipeline: &Pipeline,
    mut request: SyncRequest,
    on_event: impl FnMut(SyncEvent) + Send,
) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    request.tags = request.tags.map(checked_tags).transpose()?;
    let root = request.root.clone();
    let found = on_blocking_thread(move || walk(&root)).await?;
    let stored = pipeline.db.document_sources(request.workspace, request.collection).await?;
    let known: HashMap<String, String> =
        stored.iter().map(|row| (row.source.clone(), row.content_hash.clone())).collect();
    let mut gone: HashMap<String, Vec<Gone>> = HashMap::new();
    if request.prune {
        let is_gone = found.absence();
        for row in stored.into_iter().filter(|row| is_gone(&row.source)) {
            gone.entry(row.content_hash).or_default().push(Gone {
                source: row.source,
                document: row.document,
                tags: row.tags,
            });
        }
    }
    let mut sync = Sync { pipeline, request, known, gone, report: IngestReport::default(), on_event };
    sync.run(found).await?;
    sync.report.seconds = started.elapsed().as_secs_f64();
    Ok(sync.report)
}

/// A document whose file is not in the folder any more.
struct Gone {
    source: String,
    document: DocumentId,
    tags: Vec<String>,
}

struct Sync<'a, F> {
    pipeline: &'a Pipeline,
    request: SyncRequest,
    /// Content hashes of the collection's documents by source.
    known: HashMap<String, String>,
    /// What is to be deleted, by content hash: a new file with the same content is the same file, moved.
    gone: HashMap<String, Vec<Gone>>,
    report: IngestReport,
    on_event: F,
}

impl<F: FnMut(SyncEvent) + Send> Sync<'_, F> {
    async fn run(&mut self, found: FoundFiles) -> Result<(), IngestError> {
        (self.on_event)(SyncEvent::Found { files: found.files.len() });
        for failed in found.failed {
            self.fail(failed);
        }
        self.ingest_files(found.files).await?;
        for gone in std::mem::take(&mut self.gone).into_values().flatten() {
            self.remove(gone).await?;
            self.report.removed += 1;
        }
        Ok(())
    }

    /// Reads and prepares some files ahead while one is embedded and stored.
    async fn ingest_files(&mut self, files: Vec<FoundFile>) -> Result<(), IngestError> {
        let pipeline = self.pipeline;
        let force = self.request.force;
        let known = self.known.clone();
        let reads = files.into_iter().map(move |file| {
            let (parser, preparer) = (pipeline.parser.clone(), pipeline.preparer());
            let known_hash = known.get(&file.source).filter(|_| !force).cloned();
            async move {
                let (source, modified_at) = (file.source.clone(), file.modified_at);
                let read = on_blocking_thread(move || {
                    read(&file, parser.as_ref(), &preparer, known_hash.as_deref())
                })
                .await;
                (source, modified_at, read)
            }
        });
        let mut reads = futures::stream::iter(reads).buffered(PREPARED_AHEAD);
        while let Some((source, modified_at, read)) = reads.next().await {
            let stored = match read {
                Ok(Read::Unchanged) => self.retag(&source, modified_at).await,
                Ok(Read::Prepared(prepared)) => self.store(&source, modified_at, *prepared).await,
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

    /// Gives a document whose content is in already the tags of the request. Returns what was done, and chunks written.
    async fn retag(
        &mut self,
        source: &str,
        modified_at: Option<Timestamp>,
    ) -> Result<(Outcome, u32), IngestError> {
        let SyncRequest { workspace, collection, .. } = self.request;
        let Some(tags) = self.request.tags.clone() else { return Ok((Outcome::Unchanged, 0)) };
        let document = DocumentId::derive(collection, source);
        Ok(written(self.pipeline.retag(workspace, document, tags, modified_at).await?))
    }

    /// Stores a document; if it is one that moved, its old place is deleted. Returns what was done, and chunks written.
    async fn store(
        &mut self,
        source: &str,
        dated_at: Option<Timestamp>,
        prepared: Prepared,
    ) -> Result<(Outcome, u32), IngestError> {
        let hash = prepared.content_hash.clone();
        let SyncRequest { workspace, collection, force, .. } = self.request;
        let tags = self.request.tags.clone().or_else(|| self.former_tags(source, &hash));
        let former = self.gone.get(&hash).and_then(|gone| gone.last()).map(|former| former.document);
        let place = Place { workspace, collection, source: source.to_owned(), tags, dated_at, force, former };
        let on_event = &mut self.on_event;
        let on_stage = &mut |stage| {
            on_event(SyncEvent::Progress { source: source.to_owned(), stage });
            ControlFlow::Continue(())
        };
        let ingested = self.pipeline.store(place, prepared, on_stage).await?;
        if ingested.outcome == Outcome::Added {
            match self.gone.get_mut(&hash).and_then(Vec::pop) {
                Some(former) => {
                    self.remove(former).await?;
                    self.report.moved += 1;
                }
                None => self.report.added += 1,
            }
        }
        Ok(written(ingested))
    }

    /// The tags of a document that moved to `source`.
    fn former_tags(&self, source: &str, hash: &str) -> Option<Vec<String>> {
        let former = self.gone.get(hash).and_then(|gone| gone.last());
        former.filter(|_| !self.known.contains_key(source)).map(|former| former.tags.clone())
    }

    async fn remove(&mut self, gone: Gone) -> Result<(), IngestError> {
        self.pipeline.remove(self.request.workspace, gone.document).await?;
        (self.on_event)(SyncEvent::Removed { source: gone.source });
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

/// What was done, and chunks written for it.
pub(crate) fn written(ingested: Ingested) -> (Outcome, u32) {
    let Ingested { outcome, chunks, .. } = ingested;
    (outcome, if outcome == Outcome::Unchanged { 0 } else { chunks })
}
