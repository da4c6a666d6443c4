//! `daedap doctor`: whether SQL, vectors and originals agree, here or in the server that runs.

use anyhow::Result;
use clap::Args;
use ingest::Finding;

use super::{Globals, Outcome, print_json, progress, remote};
use crate::app::doctor::{DoctorReport, examine};
use crate::app::indexes::Indexes;
use crate::app::{KnowledgeBase, open_database};
use crate::config::Config;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;

/// `daedap doctor`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Mend what is found
    #[arg(long)]
    fix: bool,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let spinner = progress::spinner("looking");
    let report = match Instance::take(&config.data_dir) {
        Ok(_instance) => examine_here(&config, arguments.fix).await?,
        Err(InstanceError::Served(url)) => remote::Server::new(&url)?.doctor(arguments.fix).await?,
        Err(error) => return Err(error.into()),
    };
    spinner.finish_and_clear();
    if globals.json {
        print_json(&report)?;
    } else {
        say(&report, arguments.fix);
    }
    Ok(if report.is_well() { Outcome::Done } else { Outcome::SomeFailed })
}

async fn examine_here(config: &Config, fix: bool) -> Result<DoctorReport> {
    let models = ModelFiles::find(config, None)?;
    let db = open_database(config).await?;
    let lost = Indexes::new(db.clone(), config, models.clone())?.lost().await?;
    db.close().await;
    let (knowledge, lost) = match lost {
        None => (KnowledgeBase::open(config, &models).await?, None),
        // Without an index there are no points to compare anything with.
        Some(lost) if !fix => return Ok(DoctorReport { findings: vec![lost], ..DoctorReport::default() }),
        Some(lost) => {
            let (knowledge, build) = KnowledgeBase::open_to_build(config, models, None).await?;
            let built = knowledge.pipeline.reindex(&build, |_| ()).await?;
            knowledge.indexes.remove_retired().await?;
            (knowledge, Some(lost.mended(built.switched)))
        }
    };
    let mut report = examine(&knowledge, fix).await?;
    report.findings.splice(0..0, lost);
    knowledge.db.close().await;
    Ok(report)
}

fn say(report: &DoctorReport, fix: bool) {
    let DoctorReport { documents, points, originals, without_original, .. } = report;
    progress::say(&format!("{documents} documents, {points} points, {originals} originals"));
    if *without_original > 0 {
        progress::say(&format!(
            "{without_original} contents answer from their text; their source bytes are not kept here"
        ));
    }
    say_findings(&report.findings);
    if report.findings.is_empty() {
        progress::say("all is well");
    } else if !fix {
        progress::say("`daedap doctor --fix` mends what can be mended");
    }
}

pub(super) fn say_findings(findings: &[Finding]) {
    for Finding { code, subject, message, mended } in findings {
        let state = if *mended { "mended" } else { "found" };
        progress::say(&format!("{state}: {subject}: {message} ({code})"));
    }
}
