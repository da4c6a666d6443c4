//! `daedap backup`: everything in one file, here or from the server that runs, which answers meanwhile.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::{Globals, Outcome, print_json, progress, remote};
use crate::app::backup::BackupSource;
use crate::app::indexes::Indexes;
use crate::app::{open_database, open_originals};
use crate::archive::{self, Amounts};
use crate::config::Config;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;

/// `daedap backup`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// File to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct BackupReport {
    #[serde(flatten)]
    amounts: Amounts,
    bytes: u64,
    seconds: f64,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let Arguments { file, force } = arguments;
    if !force && file.exists() {
        bail!("{} is there already; name another file, or say --force", file.display());
    }
    let started = Instant::now();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("{} cannot be written", file.display());
    // For its owner alone, and gone if anything below fails.
    let unfinished = NamedTempFile::with_prefix_in(".daedap-backup-", folder).with_context(cannot)?;
    let spinner = progress::spinner("backing up");
    match Instance::take(&config.data_dir) {
        Ok(_instance) => back_up_here(&config, unfinished.reopen()?).await?,
        Err(InstanceError::Served(url)) => remote::Server::new(&url)?.backup(unfinished.reopen()?).await?,
        Err(error) => return Err(error.into()),
    }
    unfinished.as_file().sync_all().with_context(cannot)?;
    // Read once more: what is no whole archive never gets the name.
    let path = unfinished.path().to_owned();
    let (_, amounts) = tokio::task::spawn_blocking(move || archive::check(&path)).await??;
    let bytes = unfinished.as_file().metadata()?.len();
    if force {
        unfinished.persist(&file).with_context(cannot)?;
    } else {
        unfinished.persist_noclobber(&file).with_context(cannot)?;
    }
    File::open(folder)?.sync_all().with_context(cannot)?;
    spinner.finish_and_clear();
    let report = BackupReport { amounts, bytes, seconds: started.elapsed().as_secs_f64() };
    if globals.json {
        print_json(&report)?;
    } else {
        say(&file, &report);
    }
    Ok(Outcome::Done)
}

async fn back_up_here(config: &Config, out: File) -> Result<()> {
    let db = open_database(config).await?;
    if !db.has_data().await? {
        // A folder that is not mounted, most likely: a backup of nothing would take the place of a good one.
        bail!("there is nothing to back up in {}", config.data_dir.display());
    }
    let indexes = Indexes::new(db.clone(), config, ModelFiles::find(config, None)?)?;
    let source =
        BackupSource { originals: open_originals(config)?, vectors: indexes.open_points().await?, db };
    source.write(BufWriter::new(out)).await?.flush()?;
    source.db.close().await;
    Ok(())
}

fn say(file: &Path, report: &BackupReport) {
    let BackupReport { amounts, bytes, seconds } = report;
    let count = |table: &str| amounts.rows.get(table).copied().unwrap_or_default();
    progress::say(&format!(
        "{}: {} documents, {} conversations, {} originals, {} points, {bytes} bytes, {seconds:.1} s",
        file.display(),
        count("documents"),
        count("conversations"),
        amounts.originals,
        amounts.points
    ));
}
