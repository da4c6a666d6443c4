//! Brings a collection in line with local files: uploads what changed, renames what moved, deletes what is gone.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

use anyhow::Result;
use domain::{Absence, CollectionId, DocumentId, Sha256Digest};
use indicatif::ProgressBar;
use ingest::{FoundFile, FoundFiles, IngestError, RemovalLimit, walk};
use web::api::documents::{Document, DocumentChange};
use web::api::ingest_report::{FailedSource, IngestReport};
use web::api::jobs::{Job, JobState};

use crate::client::{Client, Upload};
use crate::jobs::stage_text;
use crate::messages::{locale, message};
use crate::progress;

/// Jobs queued ahead of the one that is waited for: enough to keep all workers busy.
const MAX_QUEUED_JOBS: usize = 64;

/// A sync of one collection.
pub(crate) struct Sync<'a> {
    pub(crate) client: &'a Client,
    pub(crate) collection: CollectionId,
    /// Tags of all documents from now on; empty leaves each as it is.
    pub(crate) tags: &'a [String],
    /// Ingest files even if they have not changed.
    pub(crate) force: bool,
    /// How many documents of a folder may be deleted.
    pub(crate) removals: RemovalLimit,
}

impl Sync<'_> {
    /// Brings the collection in line with a folder, or a single file. If any part of a folder cannot be read, nothing is
    /// deleted; if an archive cannot be opened, nothing that was in it.
    pub(crate) async fn folder(&self, path: &Path, report: &mut IngestReport) -> Result<()> {
        let root = path.to_owned();
        let found = tokio::task::spawn_blocking(move || walk(&root)).await??;
        self.supersede_jobs(&found).await?;
        let known = self.client.documents(self.collection).await?;
        let gone = gone_documents(&found, &known);
        let bar = progress::bar(found.files.len() as u64, message!("cli-documents"));
        let unread = found.failed.iter().cloned().chain(found.hidden(known.keys()));
        report.failed.extend(unread.map(|failed| FailedSource::from(failed).localized(locale())));
        let mut sync = FolderSync { sync: self, known, gone, queued: VecDeque::new(), bar, report };
        for file in &found.files {
            sync.file(file).await?;
        }
        sync.finish(&found).await
    }

    /// Ends the jobs that an earlier sync of these files left unfinished, as when it was killed: they would bring back what
    /// the files no longer say. Queued ones are cancelled; one that is running is waited for.
    async fn supersede_jobs(&self, found: &FoundFiles) -> Result<()> {
        let present: HashSet<&str> = found.files.iter().map(|file| file.source.as_str()).collect();
        let is_superseded = |job: &Job| {
            job.collection == self.collection
                && (present.contains(job.source.as_str()) || found.absence(&job.source).is_some())
        };
        for job in self.client.all_jobs(JobState::Queued).await?.iter().filter(|job| is_superseded(job)) {
            // A worker may have finished it meanwhile; whether it did, the listing below tells.
            if let Err(error) = self.client.cancel_job(job.id).await {
                tracing::debug!(job = %job.id, error = format!("{error:#}"), "not cancelled");
            }
        }
        for job in self.client.all_jobs(JobState::Running).await?.iter().filter(|job| is_superseded(job)) {
            self.client.follow_job(job.id, |_| {}).await?;
        }
        Ok(())
    }

    /// Ingests one page of the Web, fetched by whoever holds the data. A page that cannot be fetched is in the report.
    pub(crate) async fn page(&self, url: &str, report: &mut IngestReport) -> Result<()> {
        let before = self.client.document_of(self.collection, url).await?;
        let bar = progress::bar(1, message!("cli-documents"));
        match self.client.add_page(self.collection, url, self.tags, self.force).await? {
            Ok(job) => Queued { job, before }.finish(self.client, &bar, report).await?,
            Err(failed) => report.failed.push(failed),
        }
        bar.finish();
        Ok(())
    }
}

/// Documents from below the root whose file is gone, by content hash: a new file with the same content is the same file,
/// moved.
fn gone_documents(found: &FoundFiles, known: &HashMap<String, Document>) -> GoneDocuments {
    let mut gone = GoneDocuments::new();
    for document in known.values() {
        if let Some(absence) = found.absence(&document.source) {
            gone.entry(document.content_hash.clone()).or_default().push((absence, document.id));
        }
    }
    gone
}

type GoneDocuments = HashMap<String, Vec<(Absence, DocumentId)>>;

/// The sync of one folder while it is under way.
struct FolderSync<'a> {
    sync: &'a Sync<'a>,
    /// The collection's documents by source.
    known: HashMap<String, Document>,
    /// Documents to be renamed or deleted, by content hash.
    gone: GoneDocuments,
    queued: VecDeque<Queued>,
    bar: ProgressBar,
    report: &'a mut IngestReport,
}

impl FolderSync<'_> {
    async fn file(&mut self, file: &FoundFile) -> Result<()> {
        let on_thread = file.clone();
        let read = tokio::task::spawn_blocking(move || on_thread.read()).await?;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                self.report.failed.push(failed(&file.source, &error));
                self.bar.inc(1);
                return Ok(());
            }
        };
        let hash = Sha256Digest::of(&bytes).to_string();
        let before = self.known.get(&file.source).cloned();
        match &before {
            Some(document) if !self.sync.force && document.content_hash == hash => {
                return self.update_tags(document, file).await;
            }
            None if self.rename(&hash, file).await? => return Ok(()),
            _ => {}
        }
        let upload = Upload {
            source: &file.source,
            dated_at: file.modified_at,
            tags: self.sync.tags,
            force: self.sync.force,
            bytes,
        };
        let job = self.sync.client.upload(self.sync.collection, upload).await?;
        self.queued.push_back(Queued { job, before });
        if self.queued.len() > MAX_QUEUED_JOBS {
            self.finish_oldest().await?;
        }
        Ok(())
    }

    /// Gives an unchanged document the tags of this sync, if they are others.
    async fn update_tags(&mut self, document: &Document, file: &FoundFile) -> Result<()> {
        let tags = self.sync.tags;
        if tags.is_empty() || document.tags == tags {
            self.report.unchanged += 1;
        } else {
            let change = change(tags, file, None);
            let updated = self.sync.client.change_document(document.id, &change).await?;
            self.report.updated += 1;
            self.report.chunks += u64::from(updated.chunk_count);
        }
        self.bar.inc(1);
        Ok(())
    }

    /// Renames the document of a file that has moved here. `false` if there is none, or if it cannot be renamed, as where
    /// its original is missing: the file is uploaded then.
    async fn rename(&mut self, hash: &str, file: &FoundFile) -> Result<bool> {
        let Some(former) = self.gone.get_mut(hash).and_then(Vec::pop) else { return Ok(false) };
        let change = change(self.sync.tags, file, Some(&file.source));
        match self.sync.client.change_document(former.1, &change).await {
            Ok(renamed) => {
                self.report.moved += 1;
                self.report.chunks += u64::from(renamed.chunk_count);
                self.bar.inc(1);
                Ok(true)
            }
            Err(error) => {
                tracing::info!(
                    source = file.source,
                    error = format!("{error:#}"),
                    "cannot rename; uploading"
                );
                self.gone.entry(hash.to_owned()).or_default().push(former);
                Ok(false)
            }
        }
    }

    async fn finish_oldest(&mut self) -> Result<()> {
        if let Some(queued) = self.queued.pop_front() {
            queued.finish(self.sync.client, &self.bar, self.report).await?;
        }
        Ok(())
    }

    /// Waits for the jobs, and deletes the documents that are gone and did not move, unless they are too many.
    async fn finish(mut self, found: &FoundFiles) -> Result<()> {
        while !self.queued.is_empty() {
            self.finish_oldest().await?;
        }
        self.bar.finish();
        let gone: Vec<Absence> = self.gone.into_values().flatten().map(|(absence, _)| absence).collect();
        let documents = self.known.keys().filter(|source| found.covers(source)).count();
        if let Err(error) = self.sync.removals.check(gone.len(), documents) {
            self.report.failed.push(failed(found.root(), &error));
            return Ok(());
        }
        for absence in gone {
            self.sync.client.delete_absent(self.sync.collection, &absence).await?;
            self.report.removed += 1;
        }
        Ok(())
    }
}

fn failed(source: &str, error: &IngestError) -> FailedSource {
    let (code, message) = (error.code().to_owned(), error.message());
    FailedSource { source: source.to_owned(), code, message }.localized(locale())
}

fn change(tags: &[String], file: &FoundFile, source: Option<&str>) -> DocumentChange {
    DocumentChange {
        tags: (!tags.is_empty()).then(|| tags.to_vec()),
        dated_at: file.modified_at.map(|time| time.to_string()),
        source: source.map(str::to_owned),
    }
}

/// A job that has not been waited for, and the document as it was before.
struct Queued {
    job: Job,
    before: Option<Document>,
}

impl Queued {
    /// Waits for the end of the job, and counts what it did.
    async fn finish(self, client: &Client, bar: &ProgressBar, report: &mut IngestReport) -> Result<()> {
        let on_change = |job: &Job| {
            bar.set_message(job.progress.map_or_else(|| message!("cli-stage-waiting"), stage_text));
        };
        let job = client.follow_job(self.job.id, on_change).await?;
        bar.inc(1);
        let (JobState::Done, Some(id)) = (job.state, job.document) else {
            let (code, message) =
                job.error.map_or_else(Default::default, |error| (error.code, error.message));
            report.failed.push(FailedSource { source: job.source, code, message });
            return Ok(());
        };
        let document = client.document(id).await?;
        match self.before {
            Some(before) if before.version_number == document.version_number => {
                report.unchanged += 1;
                return Ok(());
            }
            Some(_) => report.updated += 1,
            None => report.added += 1,
        }
        report.chunks += u64::from(document.chunk_count);
        Ok(())
    }
}
