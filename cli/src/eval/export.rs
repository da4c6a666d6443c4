//! `daedap eval export`: prints a collection's evaluation set in the form that `daedap eval import` reads.

use std::io::Write;

use anyhow::Result;
use domain::EvalQuestion;
use serde::Serialize;
use service::config::Config;

use crate::client::Client;
use crate::globals::Globals;
use crate::output::{Outcome, print_json};

/// The report of `eval export --json`.
#[derive(Serialize)]
struct Report {
    questions: Vec<EvalQuestion>,
}

pub(super) async fn run(settings: &Config, globals: &Globals) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let collection = client.collection(globals.named_collection()).await?;
    let questions = client.eval_questions(collection).await?;
    client.close().await?;
    if globals.json {
        print_json(&Report { questions })?;
        return Ok(Outcome::Done);
    }
    let mut out = std::io::stdout().lock();
    for question in questions {
        serde_json::to_writer(&mut out, &question)?;
        writeln!(out)?;
    }
    Ok(Outcome::Done)
}
