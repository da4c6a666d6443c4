//! `daedap parse`: what the binary runs in a child process for each document; not for people.

use anyhow::Result;
use clap::Args;

use crate::output::Outcome;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    source: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    ::parse::run_child(&arguments.source, std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(Outcome::Done)
}
