//! `daedap ask`: an answer in the terminal, streaming, with its sources below.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Result, bail};
use chat::{AnswerEvent, Ask, Chat};
use clap::Args;
use domain::{Citation, Filter, FinishReason, Language, Passage, Scope, Usage};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::narrow::Narrow;
use super::{Globals, Outcome, models, print_json, remote, scope};
use crate::app::{App, WORKSPACE};
use crate::config::Config;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;

/// `daedap ask`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The question
    question: String,
    #[command(flatten)]
    narrow: Narrow,
}

/// The report of `ask --json`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    pub(super) answer: String,
    pub(super) passages: Vec<Passage>,
    #[serde(flatten)]
    pub(super) facts: AnswerFacts,
}

/// What is known of an answer once it is complete.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct AnswerFacts {
    pub(super) language: Option<Language>,
    pub(super) abstained: bool,
    finish_reason: Option<FinishReason>,
    pub(super) citations: Vec<Citation>,
    usage: Usage,
    timings_ms: BTreeMap<String, f64>,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let filter = arguments.narrow.filter()?;
    let answer = match Instance::take(&config.data_dir) {
        Ok(_instance) => ask_here(config, globals, arguments.question, filter).await?,
        Err(InstanceError::Served(url)) => {
            let server = remote::Server::new(&url)?;
            let collection = globals.collection.as_deref();
            server.ask(&arguments.question, collection, &filter, |text| show(!globals.json, text)).await?
        }
        Err(error) => return Err(error.into()),
    };
    if globals.json {
        print_json(&answer)?;
    } else {
        print_sources(&answer.facts.citations)?;
    }
    Ok(Outcome::Done)
}

async fn ask_here(config: Config, globals: &Globals, question: String, filter: Filter) -> Result<Answer> {
    let generator = models::installed_generator(&config)?;
    let files = ModelFiles::find(&config, generator.as_deref())?;
    let app = App::open(config, &files).await?;
    let Scope { collections, filter, .. } =
        scope(&app.knowledge, globals.collection.as_deref(), filter).await?;
    let conversation = app.knowledge.db.create_conversation(WORKSPACE).await?.id;
    let ask = Ask { workspace: WORKSPACE, conversation, question, collections, filter };
    let answer = answer(&app.chat, ask, |text| show(!globals.json, text)).await?;
    app.close().await;
    Ok(answer)
}

/// Asks, shows the text as it comes, and gives all of it.
pub(super) async fn answer(
    chat: &Chat,
    ask: Ask,
    mut show: impl FnMut(&str) -> Result<()>,
) -> Result<Answer> {
    let mut events = chat.ask(ask).await?;
    let mut answer = Answer::default();
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Queued { .. } => {}
            AnswerEvent::Sources(passages) => answer.passages = passages,
            AnswerEvent::Delta(text) => show(&text)?,
            AnswerEvent::Failed(error) => bail!(error),
            AnswerEvent::Done(completed) => {
                answer.answer = completed.turn.content;
                answer.facts = AnswerFacts {
                    language: Some(completed.turn.language),
                    abstained: completed.turn.abstained,
                    finish_reason: completed.turn.finish_reason,
                    citations: completed.turn.citations,
                    usage: completed.usage,
                    timings_ms: completed.timings_ms,
                };
            }
        }
    }
    Ok(answer)
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
        let mut place = vec![citation.title.as_str()];
        place.extend(citation.heading_path.iter().map(String::as_str));
        place.dedup();
        let page = citation.page.map_or_else(String::new, |page| format!(", page {page}"));
        writeln!(out, "[{}] {}{page}", citation.number, place.join(" > "))?;
    }
    Ok(())
}
