//! `daedap config`: the settings in effect, or the defaults with their explanations.

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::Outcome;
use crate::config::{Config, DEFAULT_TOML};

/// `daedap config`'s own flags.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The defaults, explained: a file to start from
    #[arg(long)]
    pub(super) default: bool,
}

pub(super) fn print_default() -> Result<Outcome> {
    write!(std::io::stdout(), "{DEFAULT_TOML}")?;
    Ok(Outcome::Done)
}

pub(super) fn print(config: &Config) -> Result<Outcome> {
    write!(std::io::stdout(), "{}", config.to_toml()?)?;
    Ok(Outcome::Done)
}
