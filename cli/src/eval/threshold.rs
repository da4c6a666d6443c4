//! `daedap eval threshold`: sets the evidence from which a collection's questions are answered.

use anyhow::Result;
use clap::Args;
use service::config::Config;

use super::share::share;
use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(value_parser = Threshold::parse)]
    value: Threshold,
}

/// A threshold; `None` is the default.
#[derive(Debug, Clone, Copy)]
struct Threshold(Option<f64>);

impl Threshold {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "default" => Ok(Self(None)),
            _ => share(text).map(|share| Self(Some(share))).map_err(|_| message!("cli-invalid-threshold")),
        }
    }
}

pub(super) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let collection = client.collection(globals.named_collection()).await?;
    let changed = client.set_evidence_threshold(collection, arguments.value.0).await?;
    client.close().await?;
    if globals.json {
        print_json(&changed)?;
        return Ok(Outcome::Done);
    }
    print_line(match changed.evidence_threshold {
        Some(own) => {
            message!("cli-eval-threshold-set", collection = &changed.name, threshold = own.to_string())
        }
        None => message!("cli-eval-threshold-default", collection = &changed.name),
    })?;
    Ok(Outcome::Done)
}
