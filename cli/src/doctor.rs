//! `daedap doctor`: checks that database, vector index and originals agree, and repairs them.

use anyhow::Result;
use clap::Args;
use service::config::Config;
use web::api::doctor::{DoctorReport, Finding};

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    fix: bool,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let spinner = progress::spinner(message!("cli-doctor-checking"));
    let report = client.doctor(arguments.fix).await?;
    spinner.finish_and_clear();
    client.close().await?;
    if globals.json {
        print_json(&report)?;
    } else {
        say(&report, arguments.fix);
    }
    Ok(Outcome::of(report.is_healthy()))
}

fn say(report: &DoctorReport, fix: bool) {
    let DoctorReport { documents, points, originals, without_original, findings } = report;
    progress::say(&message!(
        "cli-doctor-report",
        documents = *documents,
        points = *points,
        originals = *originals,
    ));
    if *without_original > 0 {
        progress::say(&message!("cli-doctor-without-original", count = *without_original));
    }
    say_findings(findings);
    if findings.is_empty() {
        progress::say(&message!("cli-doctor-ok"));
    } else if !fix {
        progress::say(&message!("cli-doctor-fix"));
    }
}

/// Prints what is wrong, or was.
pub(crate) fn say_findings(findings: &[Finding]) {
    for Finding { code, subject, message: text, repaired } in findings {
        let key = if *repaired { "cli-doctor-repaired" } else { "cli-doctor-found" };
        progress::say(&message!(key, subject = subject, message = text, code = code));
    }
}
