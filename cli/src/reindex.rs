//! `daedap reindex`: rebuilds the vector index from the texts in SQL, while the old one answers.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use service::Tasks;
use service::config::Config;
use service::model_files::embedder_name;
use web::api::ingest_report::FailedSource;
use web::api::reindex::{ReindexReport, ReindexStatus};

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

/// How often the state of the rebuild is asked for.
const POLL_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "ID|FOLDER")]
    embedder: Option<String>,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let requested = arguments.embedder.as_deref().map(embedder_name).transpose()?;
    let client = Client::connect(settings, Some(Tasks::Reindex)).await?;
    let bar = progress::bar(0, message!("cli-documents"));
    let report = rebuild(&client, requested.as_deref(), &bar).await?;
    bar.finish();
    client.close().await?;
    if globals.json {
        print_json(&report)?;
    } else {
        say(&report);
    }
    warn_of_setting(settings, requested.as_deref())?;
    Ok(Outcome::of(report.switched))
}

/// Requests a rebuild, unless the same one is already running, and waits for its end.
async fn rebuild(client: &Client, requested: Option<&str>, bar: &ProgressBar) -> Result<ReindexReport> {
    let mut status = client.reindex_status().await?;
    let is_running = matches!(&status, ReindexStatus::Running { embedder, .. }
        if requested.is_none_or(|requested| requested == embedder));
    if !is_running {
        status = client.begin_reindex(requested).await?;
    }
    loop {
        match status {
            ReindexStatus::Running { done, total, .. } => {
                bar.set_length(total);
                bar.set_position(done);
            }
            ReindexStatus::Done { report } => return Ok(report),
            ReindexStatus::Failed { message } => bail!(message),
            ReindexStatus::Idle => bail!(message!("cli-reindex-server-restarted")),
        }
        tokio::time::sleep(POLL_EVERY).await;
        status = client.reindex_status().await?;
    }
}

fn say(report: &ReindexReport) {
    let ReindexReport { documents, chunks, seconds, .. } = report;
    progress::say(&message!(
        "cli-reindex-report",
        documents = *documents,
        chunks = *chunks,
        seconds = format!("{seconds:.1}"),
    ));
    say_not_indexed(&report.failed);
    if !report.switched {
        progress::say(&message!("cli-reindex-not-switched"));
    }
}

/// Prints the documents that are not in the index.
pub(crate) fn say_not_indexed(failed: &[FailedSource]) {
    for FailedSource { source, code, message: text } in failed {
        progress::say(&message!("cli-not-indexed", source = source, message = text, code = code));
    }
}

/// The next start refuses the new index if the settings name another embedder.
fn warn_of_setting(settings: &Config, requested: Option<&str>) -> Result<()> {
    let setting = &settings.embedder.model;
    if let Some(requested) = requested
        && !setting.is_empty()
        && embedder_name(setting)? != requested
    {
        progress::say(&message!("cli-reindex-setting", setting = setting, embedder = requested));
    }
    Ok(())
}
