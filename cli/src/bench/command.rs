//! The commands below `daedap bench`.

use anyhow::Result;
use clap::Subcommand;
use service::config::Config;

use super::{ingest, llm};
use crate::globals::Globals;
use crate::output::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Llm(llm::Arguments),
    Ingest(ingest::Arguments),
}

impl Command {
    /// Threads of the language model, where that is what is measured.
    pub(crate) fn threads(&self) -> Option<u64> {
        match self {
            Self::Llm(arguments) => arguments.threads,
            Self::Ingest(_) => None,
        }
    }
}

pub(crate) async fn run(settings: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::Llm(arguments) => llm::run(settings, globals, arguments).await,
        Command::Ingest(arguments) => ingest::run(settings, globals, arguments).await,
    }
}
