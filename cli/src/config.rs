//! `daedap config`: prints the settings in effect, or the defaults with their explanations.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use service::config::{Config, DEFAULT_TOML};

use crate::output::Outcome;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    pub(crate) default: bool,
}

pub(crate) fn print_default() -> Result<Outcome> {
    write!(std::io::stdout(), "{DEFAULT_TOML}")?;
    Ok(Outcome::Done)
}

pub(crate) fn print(settings: &Config) -> Result<Outcome> {
    write!(std::io::stdout(), "{}", settings.to_toml()?)?;
    Ok(Outcome::Done)
}
