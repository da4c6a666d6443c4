//! `daedap restore`: a backup into an empty installation.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::{Globals, Outcome, doctor, print_json, progress};
use crate::app::restore::{RestoreReport, restore};
use crate::config::Config;
use crate::instance::{Instance, InstanceError};

/// `daedap restore`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// File that `daedap backup` wrote
    file: PathBuf,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let _instance = match Instance::take(&config.data_dir) {
        Ok(instance) => instance,
        Err(InstanceError::Served(url)) => {
            bail!("stop the server at {url} first, or name another --data-dir")
        }
        Err(error) => return Err(error.into()),
    };
    let spinner = progress::spinner("restoring");
    let report = restore(&config, &arguments.file).await?;
    spinner.finish_and_clear();
    if globals.json {
        print_json(&report)?;
    } else {
        say(&report);
    }
    Ok(if report.is_whole() { Outcome::Done } else { Outcome::SomeFailed })
}

fn say(report: &RestoreReport) {
    let RestoreReport { rows, originals, points, embedded_again, .. } = report;
    progress::say(&format!("{rows} rows, {originals} originals, {points} points"));
    if *embedded_again > 0 {
        progress::say(&format!(
            "{embedded_again} documents had no points in the backup and were embedded again"
        ));
    }
    for failed in &report.failed {
        progress::say(&format!("not in the index: {}: {} ({})", failed.source, failed.message, failed.code));
    }
    if let Some(reason) = &report.reindex {
        progress::say(&format!("there is no index yet: {reason}; `daedap reindex` builds it from the texts"));
    }
    doctor::say_findings(&report.findings);
}
