//! `daedap ask`: answers a question in the terminal, streamed, with its sources below.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use clap::Args;
use domain::{Citation, Language};
use serde::Serialize;
use service::config::Config;
use web::api::conversations::{FinishReason, NewTurn, Usage};
use web::api::search::Passage;

use crate::client::{Answer, Client};
use crate::filter_args::FilterArguments;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    question: String,
    #[command(flatten)]
    filter: FilterArguments,
}

/// The report of `ask --json`.
#[derive(Debug, Serialize)]
struct Report {
    answer: String,
    passages: Vec<Passage>,
    language: Language,
    abstained: bool,
    finish_reason: Option<FinishReason>,
    citations: Vec<Citation>,
    usage: Usage,
    timings_ms: BTreeMap<String, f64>,
}

impl From<Answer> for Report {
    fn from(Answer { passages, done }: Answer) -> Self {
        Self {
            answer: done.content,
            passages,
            language: done.language,
            abstained: done.abstained,
            finish_reason: done.finish_reason,
            citations: done.citations.into_iter().map(Citation::from).collect(),
            usage: done.usage,
            timings_ms: done.timings_ms,
        }
    }
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let turn = NewTurn {
        question: arguments.question,
        collections: client.scope(globals.collection.as_deref()).await?,
        filter: arguments.filter.request(),
    };
    let conversation = client.create_conversation().await?;
    let answer = client.ask(conversation, &turn, |text| show(!globals.json, text)).await?;
    client.close().await?;
    let report = Report::from(answer);
    if globals.json {
        print_json(&report)?;
    } else {
        print_sources(&report.citations)?;
    }
    Ok(Outcome::Done)
}

fn show(stream: bool, text: &str) -> Result<()> {
    if stream {
        let mut out = std::io::stdout().lock();
        write!(out, "{text}")?;
        out.flush()?;
    }
    Ok(())
}

fn print_sources(citations: &[Citation]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    for citation in citations {
        let mut location = vec![citation.title.as_str()];
        location.extend(citation.heading_path.iter().map(String::as_str));
        location.dedup();
        let location = location.join(" > ");
        match citation.page {
            Some(page) => {
                writeln!(out, "[{}] {location}, {}", citation.number, message!("cli-page", page = page))?;
            }
            None => writeln!(out, "[{}] {location}", citation.number)?,
        }
    }
    Ok(())
}
