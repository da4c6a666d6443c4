//! `daedap eval import`: adds questions from a file to a collection's evaluation set.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use domain::EvalQuestion;
use retriever::eval::read_questions;
use serde::Serialize;
use service::config::Config;
use service::evaluation::question::checked;

use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    file: PathBuf,
}

/// The report of `eval import --json`.
#[derive(Serialize)]
struct Report {
    /// Number of questions in the file.
    read: usize,
    /// Number of questions in the set.
    questions: usize,
}

pub(super) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let max_characters = settings.chat.question_characters;
    // Checked here, too: only here it is known which line of the file is wrong.
    let questions = (1_u64..).zip(read_questions(&arguments.file)?).map(|(number, question)| {
        checked(question, max_characters).with_context(|| message!("cli-eval-question", number = number))
    });
    let questions = questions.collect::<Result<Vec<EvalQuestion>>>()?;
    let read = questions.len();
    let client = Client::connect(settings, None).await?;
    let collection = client.collection(globals.named_collection()).await?;
    client.import_eval_questions(collection, questions).await?;
    let questions = client.eval_questions(collection).await?.len();
    client.close().await?;
    if globals.json {
        print_json(&Report { read, questions })?;
    } else {
        let name = globals.named_collection();
        print_line(message!("cli-eval-imported", read = read, collection = name, count = questions))?;
    }
    Ok(Outcome::Done)
}
