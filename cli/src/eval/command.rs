//! The commands below `daedap eval`.

use anyhow::Result;
use clap::Subcommand;
use service::config::Config;

use super::{answers, export, import, retrieval, run as stored_run, runs, threshold};
use crate::globals::Globals;
use crate::output::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Retrieval(retrieval::Arguments),
    Answers(answers::Arguments),
    Import(import::Arguments),
    Export,
    Run(stored_run::Arguments),
    Runs,
    Threshold(threshold::Arguments),
}

pub(crate) async fn run(settings: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::Retrieval(arguments) => retrieval::run(settings, globals, arguments).await,
        Command::Answers(arguments) => answers::run(settings, globals, arguments).await,
        Command::Import(arguments) => import::run(&settings, globals, arguments).await,
        Command::Export => export::run(&settings, globals).await,
        Command::Run(arguments) => stored_run::run(&settings, globals, arguments).await,
        Command::Runs => runs::run(&settings, globals).await,
        Command::Threshold(arguments) => threshold::run(&settings, globals, arguments).await,
    }
}
