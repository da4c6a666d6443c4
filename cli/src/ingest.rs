//! `daedap ingest`: a person's own files and folders into a collection, here or through the server that runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use comfy_table::Table;
use db::{Job, JobState};
use domain::{CollectionId, Visibility};
use indicatif::ProgressBar;
use ingest::{
    FailedSource, Follow, FoundFile, IngestItem, IngestReport, Site, SiteRequest, SyncEvent, SyncRequest,
    checked_tags, content_hash, page_url, sync_folder, sync_site, walk,
};

use url::Url;

use super::jobs::stage_in_words;
use super::{Globals, Outcome, narrow, print_json, progress, remote};
use crate::app::{KnowledgeBase, WORKSPACE};
use crate::changes::FileChanges;
use crate::config::{Config, SourceConfig};
use crate::installation;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;
use crate::server::asked_to_stop;

/// `daedap ingest`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files, folders and pages of the Web; of a folder, files that are gone since the last time are removed
    #[arg(required = true, value_name = "PATH|URL")]
    paths: Vec<PathBuf>,
    /// Sort the documents by this tag, in place of the tags they have; may be given more than once
    #[arg(long = "tag", value_name = "TAG", value_parser = narrow::tag)]
    tags: Vec<String>,
    /// Read files again whose content has not changed
    #[arg(long)]
    force: bool,
    /// Bring in the pages of the site, too: those that the page leads to below its folder, or those of the sitemap; of a site,
    /// pages that are gone since the last time are removed
    #[arg(long, value_enum, value_name = "HOW")]
    follow: Option<FollowArgument>,
    /// Most pages of a site
    #[arg(long, requires = "follow", default_value_t = SourceConfig::default_max_pages())]
    max_pages: usize,
    /// Most links from the page to one of the site
    #[arg(long, requires = "follow", default_value_t = SourceConfig::default_max_depth())]
    max_depth: usize,
    /// Stay, and bring in what changes from now on
    #[arg(long, conflicts_with = "force")]
    watch: bool,
}

impl Arguments {
    /// What documents are sorted by from now on; `None` leaves each as it is.
    fn new_tags(&self) -> Option<Vec<String>> {
        (!self.tags.is_empty()).then(|| self.tags.clone())
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FollowArgument {
    Links,
    Sitemap,
}

impl From<FollowArgument> for Follow {
    fn from(argument: FollowArgument) -> Self {
        match argument {
            FollowArgument::Links => Self::Links,
            FollowArgument::Sitemap => Self::Sitemap,
        }
    }
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let arguments = Arguments { tags: checked_tags(&arguments.tags)?, ..arguments };
    let place = Place::find(&config, globals.named_collection()).await?;
    // Watched before they are read: what changes meanwhile is read once more.
    let mut changes = arguments.watch.then(|| {
        let folders = arguments.paths.iter().filter(|path| web_address(path).is_none());
        FileChanges::below(&folders.cloned().collect::<Vec<_>>())
    });
    let report = place.sync(&arguments).await?;
    print(globals, &report)?;
    let outcome = if report.failed.is_empty() { Outcome::Done } else { Outcome::SomeFailed };
    if let Some(changes) = &mut changes {
        keep_in_step(&place, &arguments, changes, globals).await?;
    }
    place.close(&config).await?;
    Ok(outcome)
}

/// Goes on until the process is told to stop. A round that fails is told, and the next change begins another.
async fn keep_in_step(
    place: &Place,
    arguments: &Arguments,
    changes: &mut FileChanges,
    globals: &Globals,
) -> Result<()> {
    let stop = asked_to_stop();
    tokio::pin!(stop);
    progress::say("watching for changes; Ctrl-C ends it");
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = changes.next() => {}
        }
        tokio::select! {
            () = &mut stop => return Ok(()),
            synced = place.sync(arguments) => match synced {
                Ok(report) if report.is_idle() => {}
                Ok(report) => print(globals, &report)?,
                Err(error) => progress::say(&format!("daedap: {error:#}")),
            },
        }
    }
}

/// Where the documents go.
enum Place {
    Here { knowledge: Box<KnowledgeBase>, collection: CollectionId, _instance: Instance },
    There { server: remote::Server, collection: CollectionId },
}

impl Place {
    async fn find(config: &Config, collection: &str) -> Result<Self> {
        match Instance::take(&config.data_dir) {
            Ok(instance) => {
                let knowledge = KnowledgeBase::open(config, &ModelFiles::find(config, None)?).await?;
                knowledge.pipeline.sweep().await?;
                let made = knowledge.db.ensure_collection(WORKSPACE, collection, Visibility::Private).await?;
                Ok(Self::Here { knowledge: Box::new(knowledge), collection: made.id, _instance: instance })
            }
            Err(InstanceError::Served(url)) => {
                let server = remote::Server::new(&url)?;
                let collection = server.ensure_collection(collection).await?;
                Ok(Self::There { server, collection })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Brings in what differs.
    async fn sync(&self, arguments: &Arguments) -> Result<IngestReport> {
        let started = Instant::now();
        let mut report = IngestReport::default();
        for path in &arguments.paths {
            if let (Some(url), Some(follow)) = (web_address(path), arguments.follow) {
                report.merge(self.bring_site(page_url(url)?, follow.into(), arguments).await?);
                continue;
            }
            if let Some(url) = web_address(path) {
                self.bring_page(&page_url(url)?, arguments, &mut report).await?;
                continue;
            }
            match self {
                Self::Here { knowledge, collection, .. } => {
                    report.merge(sync_here(knowledge, *collection, path, arguments).await?);
                }
                Self::There { server, collection } => {
                    sync_there(server, *collection, path, arguments, &mut report).await?;
                }
            }
        }
        if let Self::Here { knowledge, .. } = self {
            let spinner = progress::spinner("indexing");
            knowledge.index.current().vectors.flush().await?;
            spinner.finish();
        }
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    async fn bring_site(&self, start: Url, follow: Follow, arguments: &Arguments) -> Result<IngestReport> {
        let Self::Here { knowledge, collection, .. } = self else {
            bail!("a server holds the data directory; let it follow the site: [[sources]] in its settings");
        };
        let Arguments { max_pages, max_depth, .. } = *arguments;
        let request = SiteRequest {
            workspace: WORKSPACE,
            collection: *collection,
            site: Site { start, follow, max_pages, max_depth },
            tags: arguments.new_tags(),
        };
        let spinner = progress::spinner("following the site");
        let report = sync_site(&knowledge.pipeline, &knowledge.fetcher, request, |event| match event {
            SyncEvent::Finished { source, .. } | SyncEvent::Removed { source } => spinner.set_message(source),
            _ => {}
        })
        .await?;
        spinner.finish();
        Ok(report)
    }

    /// Brings in a page of the Web, fetched by who holds the data. A page that cannot be had is in the report.
    async fn bring_page(&self, url: &Url, arguments: &Arguments, report: &mut IngestReport) -> Result<()> {
        let source = url.to_string();
        match self {
            Self::Here { knowledge, collection, .. } => {
                let page = match knowledge.fetcher.fetch(url).await {
                    Ok(page) => page,
                    Err(error) => return Ok(report.add(source, Err(error.into()))?),
                };
                let item = IngestItem {
                    workspace: WORKSPACE,
                    collection: *collection,
                    source,
                    bytes: page.bytes,
                    tags: arguments.new_tags(),
                    dated_at: page.modified_at,
                    force: arguments.force,
                };
                report.add(item.source.clone(), knowledge.pipeline.ingest(item).await)?;
            }
            Self::There { server, collection } => {
                let was_known = server.documents(*collection).await?.contains_key(&source);
                let job = server.bring_page(*collection, url, &arguments.tags).await?;
                let bar = progress::bar(1, "documents");
                follow(server, vec![(job, was_known)], &bar, report).await?;
                bar.finish();
            }
        }
        Ok(())
    }

    async fn close(self, config: &Config) -> Result<()> {
        if let Self::Here { knowledge, .. } = self {
            installation::check(&config.data_dir, &knowledge.db).await?;
            knowledge.db.close().await;
        }
        Ok(())
    }
}

async fn sync_here(
    knowledge: &KnowledgeBase,
    collection: CollectionId,
    path: &Path,
    arguments: &Arguments,
) -> Result<IngestReport> {
    let request = SyncRequest {
        workspace: WORKSPACE,
        collection,
        root: path.to_owned(),
        tags: arguments.new_tags(),
        force: arguments.force,
        prune: true,
    };
    let bar = progress::bar(0, "documents");
    let report = sync_folder(&knowledge.pipeline, request, |event| match event {
        SyncEvent::Found { files } => bar.set_length(files as u64),
        SyncEvent::Progress { stage, .. } => bar.set_message(stage_in_words(stage)),
        SyncEvent::Finished { .. } | SyncEvent::Failed(_) => bar.inc(1),
        SyncEvent::Removed { .. } => {}
    })
    .await?;
    bar.finish();
    Ok(report)
}

/// Uploads what differs from what the server lists, then waits for the jobs.
async fn sync_there(
    server: &remote::Server,
    collection: CollectionId,
    path: &Path,
    arguments: &Arguments,
    report: &mut IngestReport,
) -> Result<()> {
    let found = walk(path)?;
    report.failed.extend(found.failed.iter().cloned());
    let listed = server.documents(collection).await?;
    let bar = progress::bar(found.files.len() as u64, "documents");
    let mut jobs = Vec::new();
    for file in &found.files {
        let known = listed.get(&file.source);
        match bring(server, collection, file, known, arguments).await? {
            Brought::Queued(job) => {
                jobs.push((job, known.is_some()));
                continue;
            }
            Brought::Retagged(document) => {
                report.updated += 1;
                report.chunks += u64::from(document.chunk_count);
            }
            Brought::Unchanged => report.unchanged += 1,
        }
        bar.inc(1);
    }
    follow(server, jobs, &bar, report).await?;
    bar.finish();
    let is_gone = found.absence();
    for document in listed.values() {
        if is_gone(&document.source) {
            server.remove_document(document.id).await?;
            report.removed += 1;
        }
    }
    Ok(())
}

/// Waits for the jobs and counts what they did.
async fn follow(
    server: &remote::Server,
    jobs: Vec<(Job, bool)>,
    bar: &ProgressBar,
    report: &mut IngestReport,
) -> Result<()> {
    for (job, was_known) in jobs {
        let job = server
            .follow(job.id, |job| bar.set_message(job.progress.map_or_else(waiting, stage_in_words)))
            .await?;
        bar.inc(1);
        match (job.state, job.document, job.error) {
            (JobState::Done, Some(document), _) => {
                report.chunks += u64::from(server.document(document).await?.chunk_count);
                if was_known { report.updated += 1 } else { report.added += 1 }
            }
            (_, _, error) => {
                let (code, message) =
                    error.map_or_else(Default::default, |error| (error.code, error.message));
                report.failed.push(FailedSource { source: job.source, code, message });
            }
        }
    }
    Ok(())
}

/// The argument, if it is the address of a page.
fn web_address(argument: &Path) -> Option<&str> {
    argument.to_str().filter(|text| text.starts_with("http://") || text.starts_with("https://"))
}

fn waiting() -> String {
    "waiting".to_owned()
}

/// What was done with a file.
enum Brought {
    Queued(Job),
    Retagged(remote::ListedDocument),
    Unchanged,
}

/// Sends the file, or only its tags where the server has the same content under the same name.
async fn bring(
    server: &remote::Server,
    collection: CollectionId,
    file: &FoundFile,
    known: Option<&remote::ListedDocument>,
    arguments: &Arguments,
) -> Result<Brought> {
    let tags = &arguments.tags;
    let bytes = tokio::task::spawn_blocking({
        let file = file.clone();
        move || file.read()
    })
    .await??;
    match known.filter(|known| !arguments.force && known.content_hash == content_hash(&bytes)) {
        None => Ok(Brought::Queued(server.upload(collection, file, tags, bytes).await?)),
        Some(known) if tags.is_empty() || known.tags == *tags => Ok(Brought::Unchanged),
        Some(known) => Ok(Brought::Retagged(server.retag(known.id, tags).await?)),
    }
}

fn print(globals: &Globals, report: &IngestReport) -> Result<()> {
    if globals.json { print_json(report) } else { print_summary(report) }
}

fn print_summary(report: &IngestReport) -> Result<()> {
    let mut table = Table::new();
    table.set_header(["added", "updated", "moved", "unchanged", "removed", "chunks", "failed", "seconds"]);
    table.add_row([
        report.added.to_string(),
        report.updated.to_string(),
        report.moved.to_string(),
        report.unchanged.to_string(),
        report.removed.to_string(),
        report.chunks.to_string(),
        report.failed.len().to_string(),
        format!("{:.1}", report.seconds),
    ]);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    for failed in &report.failed {
        writeln!(out, "not ingested: {}: {} ({})", failed.source, failed.message, failed.code)?;
    }
    Ok(())
}
