//! `daedap eval export`: a collection's evaluation set as `daedap eval import` reads it.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::place::Place;
use crate::cli::{Globals, Outcome, print_json};
use crate::config::Config;

pub(super) async fn run(config: Config, globals: &Globals) -> Result<Outcome> {
    let questions = Place::of(&config, globals).await?.questions().await?;
    if globals.json {
        print_json(&json!({ "questions": questions }))?;
        return Ok(Outcome::Done);
    }
    let mut out = std::io::stdout().lock();
    for question in questions {
        serde_json::to_writer(&mut out, &question)?;
        writeln!(out)?;
    }
    Ok(Outcome::Done)
}
