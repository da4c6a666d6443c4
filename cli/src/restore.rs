//! `daedap restore`: restores a backup into an empty installation.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use service::backup::{RestoreReport, restore};
use service::config::Config;
use service::instance_lock::{InstanceLock, LockError};
use web::api::doctor::Finding;
use web::api::ingest_report::FailedSource;

use crate::doctor::say_findings;
use crate::globals::Globals;
use crate::messages::{locale, message};
use crate::output::{Outcome, print_json};
use crate::progress;
use crate::reindex::say_not_indexed;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    file: PathBuf,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let _lock = match InstanceLock::acquire(&settings.data_dir) {
        Ok(lock) => lock,
        Err(LockError::Served(url)) => bail!(message!("cli-restore-served", url = url)),
        Err(error) => return Err(error.into()),
    };
    let spinner = progress::spinner(message!("cli-restore-running"));
    let report = restore(settings, &arguments.file)
        .await
        .with_context(|| message!("cli-restore-failed", file = arguments.file.display().to_string()))?;
    spinner.finish_and_clear();
    if globals.json {
        print_json(&report)?;
    } else {
        say(&report);
    }
    Ok(Outcome::of(report.is_complete()))
}

fn say(report: &RestoreReport) {
    let RestoreReport { rows, originals, points, embedded_again, .. } = report;
    progress::say(&message!("cli-restore-report", rows = *rows, originals = *originals, points = *points));
    if *embedded_again > 0 {
        progress::say(&message!("cli-restore-embedded-again", count = *embedded_again));
    }
    let localized = |failed| FailedSource::from(failed).localized(locale());
    let failed: Vec<FailedSource> = report.failed.iter().cloned().map(localized).collect();
    say_not_indexed(&failed);
    if let Some(reason) = &report.reindex {
        progress::say(&message!("cli-restore-no-index", reason = reason));
    }
    let localized = |finding| Finding::from(finding).localized(locale());
    let findings: Vec<Finding> = report.findings.iter().cloned().map(localized).collect();
    say_findings(&findings);
}
