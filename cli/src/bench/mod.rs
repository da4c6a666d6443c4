//! `daedap bench`: how fast this machine is at what daedap does.

mod ingest;
mod llm;

use anyhow::Result;
use clap::Subcommand;

use super::{Globals, Outcome};
use crate::config::Config;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tokens read and written in a second, waiting times, memory
    Llm(llm::Arguments),
    /// Documents of each format taken in, thrown away afterwards
    Ingest(ingest::Arguments),
}

impl Command {
    /// Threads of the language model, where it is what is measured.
    pub(super) fn threads(&self) -> Option<u64> {
        match self {
            Self::Llm(arguments) => arguments.threads,
            Self::Ingest(_) => None,
        }
    }
}

pub(super) async fn run(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::Llm(arguments) => llm::run(config, globals, arguments).await,
        Command::Ingest(arguments) => ingest::run(config, globals, arguments).await,
    }
}

/// The most memory that this process had at once, as Linux counts it.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}
