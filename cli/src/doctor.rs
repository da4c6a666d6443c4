//! `daedap doctor`: checks that database, vector index and originals agree, and repairs them.

use anyhow::Result;
use clap::Args;
use domain::DocumentId;
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
    #[arg(long, value_name = "ID", conflicts_with = "fix")]
    erased: Option<DocumentId>,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    if let Some(document) = arguments.erased {
        return prove(client, globals, document).await;
    }
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

/// Reports what is left of a deleted document.
async fn prove(client: Client, globals: &Globals, document: DocumentId) -> Result<Outcome> {
    let report = client.erasure(document).await?;
    client.close().await?;
    if globals.json {
        print_json(&report)?;
        return Ok(Outcome::of(report.left.is_empty()));
    }
    match report.erased_at {
        Some(time) => progress::say(&message!("cli-doctor-erased-at", time = time.to_string())),
        None => progress::say(&message!("cli-doctor-never-erased")),
    }
    say_findings(&report.left);
    if report.left.is_empty() {
        progress::say(&message!("cli-doctor-nothing-left"));
    }
    Ok(Outcome::of(report.left.is_empty()))
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
