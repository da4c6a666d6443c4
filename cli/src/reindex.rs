//! `daedap reindex`: another index from the texts in SQL alone, here or by the server that runs, which answers meanwhile.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use ingest::ReindexReport;

use super::{Globals, Outcome, print_json, progress, remote};
use crate::app::KnowledgeBase;
use crate::app::reindexing::ReindexStatus;
use crate::config::Config;
use crate::instance::{Instance, InstanceError};
use crate::model_files::{ModelFiles, embedder_name};

/// How often the server is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// `daedap reindex`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Embedder of the new index: a catalog id, or a folder of your own with an embedder.toml
    #[arg(long, value_name = "ID|FOLDER")]
    embedder: Option<String>,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let asked = arguments.embedder.as_deref().map(embedder_name).transpose()?;
    let bar = progress::bar(0, "documents");
    let report = match Instance::take(&config.data_dir) {
        Ok(_instance) => reindex_here(&config, asked.as_deref(), &bar).await?,
        Err(InstanceError::Served(url)) => {
            reindex_there(&remote::Server::new(&url)?, asked.as_deref(), &bar).await?
        }
        Err(error) => return Err(error.into()),
    };
    bar.finish();
    if globals.json {
        print_json(&report)?;
    } else {
        say(&report);
    }
    warn_of_the_setting(&config, asked.as_deref())?;
    Ok(if report.switched { Outcome::Done } else { Outcome::SomeFailed })
}

async fn reindex_here(config: &Config, asked: Option<&str>, bar: &ProgressBar) -> Result<ReindexReport> {
    let models = ModelFiles::find(config, None)?;
    let (knowledge, build) = KnowledgeBase::open_to_build(config, models, asked).await?;
    let report =
        knowledge.pipeline.reindex(&build, |progress| show(bar, progress.done, progress.total)).await?;
    knowledge.indexes.remove_retired().await?;
    knowledge.db.close().await;
    Ok(report)
}

/// Asks the server, unless it is at it already, and waits for the end.
async fn reindex_there(
    server: &remote::Server,
    asked: Option<&str>,
    bar: &ProgressBar,
) -> Result<ReindexReport> {
    let mut status = server.reindex_status().await?;
    let is_at_it = matches!(&status, ReindexStatus::Running { embedder, .. }
        if asked.is_none_or(|asked| asked == embedder));
    if !is_at_it {
        status = server.begin_reindex(asked).await?;
    }
    loop {
        match status {
            ReindexStatus::Running { done, total, .. } => show(bar, done, total),
            ReindexStatus::Done { report } => return Ok(report),
            ReindexStatus::Failed { message } => bail!(message),
            ReindexStatus::Idle => bail!("the server was started anew; `daedap reindex` shows how far it is"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
        status = server.reindex_status().await?;
    }
}

fn show(bar: &ProgressBar, done: u64, total: u64) {
    bar.set_length(total);
    bar.set_position(done);
}

fn say(report: &ReindexReport) {
    let ReindexReport { documents, chunks, seconds, .. } = report;
    progress::say(&format!("{documents} documents, {chunks} chunks, {seconds:.1} s"));
    for failed in &report.failed {
        progress::say(&format!("not in the index: {}: {} ({})", failed.source, failed.message, failed.code));
    }
    if !report.switched {
        progress::say("the old index goes on answering; `daedap reindex` goes on where this one stopped");
    }
}

/// A setting that names another embedder than the new index has would make the next start refuse it.
fn warn_of_the_setting(config: &Config, asked: Option<&str>) -> Result<()> {
    let set = &config.embedder.model;
    if let Some(asked) = asked
        && !set.is_empty()
        && embedder_name(set)? != asked
    {
        progress::say(&format!(
            "the setting embedder.model is {set}: empty it or set it to {asked}, or the next start refuses this index"
        ));
    }
    Ok(())
}
