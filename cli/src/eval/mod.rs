//! `daedap eval …`: measuring, on question sets that others made and on a collection's own questions.

mod answers;
mod asking;
mod export;
mod figures;
mod import;
mod place;
mod retrieval;
mod run;
mod runs;
pub(super) mod scratch;
mod threshold;

use anyhow::Result;
use clap::Subcommand;

use super::{Globals, Outcome};
use crate::config::Config;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// recall@1/5/10, MRR@10, nDCG@10, latency, and which questions would be declined
    Retrieval(retrieval::Arguments),
    /// Whether answers are right, cite what holds them, and decline what no document holds
    Answers(answers::Arguments),
    /// Add a file of questions to a collection's evaluation set
    Import(import::Arguments),
    /// Print a collection's evaluation set, one question a line
    Export,
    /// Measure a collection's evaluation set, keep the figures, and fail when they fell
    Run(run::Arguments),
    /// List what was measured before
    Runs,
    /// Set the evidence from which a collection's questions are answered
    Threshold(threshold::Arguments),
}

pub(super) async fn run(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::Retrieval(arguments) => retrieval::run(config, globals, arguments).await,
        Command::Answers(arguments) => answers::run(config, globals, arguments).await,
        Command::Import(arguments) => import::run(config, globals, arguments).await,
        Command::Export => export::run(config, globals).await,
        Command::Run(arguments) => run::run(config, globals, arguments).await,
        Command::Runs => runs::run(config, globals).await,
        Command::Threshold(arguments) => threshold::run(config, globals, arguments).await,
    }
}

/// A number from 0 to 1 on the command line.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}
