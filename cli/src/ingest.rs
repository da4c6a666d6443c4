//! `daedap ingest`: brings a collection in line with files, folders, web pages and sites.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use domain::normalize_tags;
use fetch::page_url;
use ingest::RemovalLimit;
use service::config::{Config, SourceConfig};
use service::sources::FileWatcher;
use service::{Tasks, stop_requested};
use web::api::ingest_report::IngestReport;
use web::api::sites::{Follow, SiteRequest};

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, table};
use crate::progress;
use crate::sync::Sync;
use crate::value_parsers;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(required = true, value_name = "PATH|URL")]
    paths: Vec<PathBuf>,
    #[arg(long = "tag", value_name = "TAG", value_parser = value_parsers::tag)]
    tags: Vec<String>,
    #[arg(long)]
    force: bool,
    #[arg(long, value_enum, value_name = "HOW")]
    follow: Option<FollowArgument>,
    #[arg(long, requires = "follow", value_name = "N", default_value_t = SourceConfig::default_max_pages())]
    max_pages: usize,
    #[arg(long, requires = "follow", value_name = "N", default_value_t = SourceConfig::default_max_depth())]
    max_depth: usize,
    #[arg(long)]
    allow_removals: bool,
    #[arg(long, conflicts_with = "force")]
    watch: bool,
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

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let arguments = Arguments { tags: normalize_tags(&arguments.tags)?, ..arguments };
    let client = Client::connect(settings, Some(Tasks::Jobs)).await?;
    let collection = client.ensure_collection(globals.named_collection()).await?;
    // Watched before they are read: what changes meanwhile is read again.
    let mut changes = arguments.watch.then(|| {
        let folders = arguments.paths.iter().filter(|path| web_address(path).is_none());
        FileWatcher::new(&folders.cloned().collect::<Vec<_>>())
    });
    let sync = Sync {
        client: &client,
        collection,
        tags: &arguments.tags,
        force: arguments.force,
        removals: RemovalLimit::allowing(arguments.allow_removals),
    };
    let report = sync_all(&sync, &arguments).await?;
    print(globals, &report)?;
    if let Some(changes) = &mut changes {
        watch(&sync, &arguments, changes, globals).await?;
    }
    client.close().await?;
    Ok(Outcome::of(report.failed.is_empty()))
}

/// Syncs after every change until the process is asked to stop. A sync that fails is reported; the next change starts
/// another.
async fn watch(
    sync: &Sync<'_>,
    arguments: &Arguments,
    changes: &mut FileWatcher,
    globals: &Globals,
) -> Result<()> {
    let stop = stop_requested();
    tokio::pin!(stop);
    progress::say(&message!("cli-ingest-watching"));
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = changes.next() => {}
        }
        tokio::select! {
            () = &mut stop => return Ok(()),
            synced = sync_all(sync, arguments) => match synced {
                Ok(report) if report.is_idle() => {}
                Ok(report) => print(globals, &report)?,
                Err(error) => progress::say(&message!("cli-error", message = format!("{error:#}"))),
            },
        }
    }
}

async fn sync_all(sync: &Sync<'_>, arguments: &Arguments) -> Result<IngestReport> {
    let started = Instant::now();
    let mut report = IngestReport::default();
    for path in &arguments.paths {
        match (web_address(path), arguments.follow) {
            (Some(url), Some(follow)) => report.merge(sync_site(sync, url, follow, arguments).await?),
            (Some(url), None) => sync.page(page_url(url)?.as_str(), &mut report).await?,
            (None, _) => sync.folder(path, &mut report).await?,
        }
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

async fn sync_site(
    sync: &Sync<'_>,
    url: &str,
    follow: FollowArgument,
    arguments: &Arguments,
) -> Result<IngestReport> {
    let site = SiteRequest {
        url: page_url(url)?.to_string(),
        follow: follow.into(),
        max_pages: arguments.max_pages,
        max_depth: arguments.max_depth,
        tags: (!arguments.tags.is_empty()).then(|| arguments.tags.clone()),
        allow_removals: arguments.allow_removals,
    };
    let spinner = progress::spinner(message!("cli-ingest-crawling"));
    let report = sync.client.crawl(sync.collection, &site, |page| spinner.set_message(page)).await?;
    spinner.finish_and_clear();
    Ok(report)
}

/// The argument, if it is the address of a page.
fn web_address(argument: &Path) -> Option<&str> {
    argument.to_str().filter(|text| text.starts_with("http://") || text.starts_with("https://"))
}

fn print(globals: &Globals, report: &IngestReport) -> Result<()> {
    if globals.json { print_json(report) } else { print_summary(report) }
}

fn print_summary(report: &IngestReport) -> Result<()> {
    let mut table =
        table(&["added", "updated", "moved", "unchanged", "removed", "chunks", "failed", "seconds"]);
    let IngestReport { added, updated, moved, unchanged, removed, chunks, failed, seconds } = report;
    let counts = [*added, *updated, *moved, *unchanged, *removed, *chunks, failed.len() as u64];
    table.add_row(counts.map(|count| count.to_string()).into_iter().chain([format!("{seconds:.1}")]));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    for failed in failed {
        let line = message!(
            "cli-not-ingested",
            source = &failed.source,
            message = &failed.message,
            code = &failed.code,
        );
        writeln!(out, "{line}")?;
    }
    Ok(())
}
