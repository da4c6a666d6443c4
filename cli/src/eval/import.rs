//! `daedap eval import`: a file of questions into a collection's evaluation set.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use domain::EvalQuestion;
use retriever::eval::read_questions;
use serde_json::json;

use super::place::Place;
use crate::cli::{Globals, Outcome, print_json};
use crate::config::Config;
use crate::evaluation::question::checked;

/// `daedap eval import`'s own arguments.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// One question a line: {"question", "history"?, "expected"?, "answer"?}; no `expected` means that no document holds
    /// the answer
    file: PathBuf,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let most = config.chat.question_characters;
    // All are checked before the first is stored.
    let questions = (1..)
        .zip(read_questions(&arguments.file)?)
        .map(|(number, question)| checked(question, most).with_context(|| format!("question {number}")));
    let questions = questions.collect::<Result<Vec<EvalQuestion>>>()?;
    let read = questions.len();
    let place = Place::of(&config, globals).await?;
    place.add(questions).await?;
    let in_set = place.questions().await?.len();
    if globals.json {
        print_json(&json!({ "read": read, "questions": in_set }))?;
    } else {
        writeln!(
            std::io::stdout(),
            "{read} read; the set of {} has {in_set} questions",
            globals.named_collection()
        )?;
    }
    Ok(Outcome::Done)
}
