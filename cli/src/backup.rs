//! `daedap backup`: writes everything into one file, while a server may be running.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use service::backup::format::{self, Amounts};
use service::config::Config;
use tempfile::NamedTempFile;

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    file: PathBuf,
    #[arg(long)]
    force: bool,
}

/// The report of `backup --json`.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    amounts: Amounts,
    bytes: u64,
    seconds: f64,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let Arguments { file, force } = arguments;
    if !force && file.exists() {
        bail!(message!("cli-backup-exists", file = file.display().to_string()));
    }
    let started = Instant::now();
    let spinner = progress::spinner(message!("cli-backup-running"));
    let (amounts, bytes) = write(settings, &file, force).await?;
    spinner.finish_and_clear();
    let report = Report { amounts, bytes, seconds: started.elapsed().as_secs_f64() };
    if globals.json {
        print_json(&report)?;
    } else {
        say(&file, &report);
    }
    Ok(Outcome::Done)
}

/// Writes the backup beside its final name, which it gets only once it was read back and found complete. Returns what it
/// holds, and its size in bytes.
async fn write(settings: &Config, file: &Path, force: bool) -> Result<(Amounts, u64)> {
    let unwritable = || message!("cli-backup-unwritable", file = file.display().to_string());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable by its owner alone, and removed if anything below fails.
    let unfinished = NamedTempFile::with_prefix_in(".daedap-backup-", folder).with_context(unwritable)?;
    let client = Client::connect(settings, None).await?;
    client.backup(unfinished.reopen()?).await?;
    client.close().await?;
    unfinished.as_file().sync_all().with_context(unwritable)?;
    let path = unfinished.path().to_owned();
    let (_, amounts) = tokio::task::spawn_blocking(move || format::check(&path)).await??;
    let bytes = unfinished.as_file().metadata()?.len();
    if force {
        unfinished.persist(file).with_context(unwritable)?;
    } else {
        unfinished.persist_noclobber(file).with_context(unwritable)?;
    }
    File::open(folder)?.sync_all().with_context(unwritable)?;
    Ok((amounts, bytes))
}

fn say(file: &Path, report: &Report) {
    let Report { amounts, bytes, seconds } = report;
    let rows = |table: &str| amounts.rows.get(table).copied().unwrap_or_default();
    progress::say(&message!(
        "cli-backup-report",
        file = file.display().to_string(),
        documents = rows("documents"),
        conversations = rows("conversations"),
        originals = amounts.originals,
        points = amounts.points,
        bytes = *bytes,
        seconds = format!("{seconds:.1}"),
    ));
}
