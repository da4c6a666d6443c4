//! `daedap eval threshold`: the evidence from which a collection's questions are answered.

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::place::Place;
use super::share;
use crate::cli::{Globals, Outcome, print_json};
use crate::config::Config;

/// `daedap eval threshold`'s own arguments.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// 0 (answer whatever is found) to 1 (only what holds every word), or `default`
    #[arg(value_parser = Threshold::parse)]
    value: Threshold,
}

#[derive(Debug, Clone, Copy)]
struct Threshold(Option<f64>);

impl Threshold {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self(None)),
            _ => share(text)
                .map(|threshold| Self(Some(threshold)))
                .map_err(|error| format!("{error}, or default")),
        }
    }
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let collection = Place::of(&config, globals).await?.set_threshold(arguments.value.0).await?;
    if globals.json {
        print_json(&collection)?;
    } else {
        let threshold =
            collection.evidence_threshold.map_or_else(|| "the default".to_owned(), |own| own.to_string());
        writeln!(std::io::stdout(), "{}: questions are answered from {threshold} on", collection.name)?;
    }
    Ok(Outcome::Done)
}
