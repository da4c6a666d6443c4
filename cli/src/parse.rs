//! `daedap parse`: what the binary runs as a process of its own for each document; not for people.

use anyhow::Result;
use clap::Args;

use super::Outcome;

/// `daedap parse`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the document on standard input comes from
    source: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome> {
    ingest::read_apart(&arguments.source, std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(Outcome::Done)
}
