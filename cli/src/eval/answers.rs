//! `daedap eval answers`: every question asked as a person would, each in a conversation of its own.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chat::eval::AnswersReport;
use clap::Args;
use comfy_table::Table;
use domain::CollectionId;
use retriever::eval::{Dataset, DecisionReport, JudgedQuestion};

use super::asking::{Asked, ask_all};
use super::place::Place;
use super::scratch::{self, Corpus, measure};
use crate::app::{App, KnowledgeBase};
use crate::cli::{Globals, Outcome, models, print_json};
use crate::config::Config;
use crate::evaluation::sampled;
use crate::model_files::ModelFiles;

/// What to ask.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// SQuAD-format JSON or a BEIR folder, with its documents; else the collection's own questions
    dataset: Option<PathBuf>,
    /// Another such set whose questions are asked of the documents of the first, which do not hold their answers
    #[arg(long, value_name = "FILE2", requires = "dataset")]
    unanswerable: Option<PathBuf>,
    /// Most questions of each kind: an even sample, the same one every time
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Decide by evidence alone, and write no answer
    #[arg(long)]
    without_model: bool,
}

impl Arguments {
    fn limit(&self) -> Option<usize> {
        self.limit.map(NonZeroUsize::get)
    }
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let (report, failed) = match &arguments.dataset {
        Some(path) => of_dataset(config, path, &arguments).await?,
        None => of_set(config, globals, &arguments).await?,
    };
    if globals.json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(if failed == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

async fn of_dataset(config: Config, path: &Path, arguments: &Arguments) -> Result<(AnswersReport, usize)> {
    let Dataset { documents, mut questions } = Dataset::read(path)?;
    if let Some(path) = &arguments.unanswerable {
        questions.extend(Dataset::read(path)?.questions.into_iter().map(JudgedQuestion::unanswerable));
    }
    let questions = sampled(questions, arguments.limit());
    let (_folder, config) = scratch::config(config)?;
    let opened = Opened::open(&config, arguments).await?;
    let scope = scratch::load(&opened.knowledge, &documents).await?;
    let corpus = Corpus { scope: &scope, documents: documents.len() };
    let decision = measure(&opened.knowledge, &config, &corpus, &questions).await?.decision;
    let asked = scope.collections.first().and_then(|collection| opened.asked(*collection));
    let outcome = answers(asked, &questions, decision, config.generator.parallel).await;
    opened.close().await;
    Ok(outcome)
}

async fn of_set(config: Config, globals: &Globals, arguments: &Arguments) -> Result<(AnswersReport, usize)> {
    let place = Place::of(&config, globals).await?;
    let set = place.questions().await?.into_iter().map(JudgedQuestion::from).collect();
    let questions = sampled(set, arguments.limit());
    let parallel = config.generator.parallel;
    match &place {
        Place::Here(here) => {
            let opened = Opened::open(&config, arguments).await?;
            let decision = here.measure(&opened.knowledge, arguments.limit()).await?.decision;
            let outcome = answers(opened.asked(here.collection()), &questions, decision, parallel).await;
            opened.close().await;
            Ok(outcome)
        }
        Place::There(there) => {
            let decision = place.measure(arguments.limit()).await?.decision;
            let asked = (!arguments.without_model).then_some(Asked::There(there));
            Ok(answers(asked, &questions, decision, parallel).await)
        }
    }
}

/// The report, and how many questions got no answer; of the decision by evidence alone where nobody is to be asked.
async fn answers(
    asked: Option<Asked<'_>>,
    questions: &[JudgedQuestion],
    decision: DecisionReport,
    parallel: usize,
) -> (AnswersReport, usize) {
    let Some(asked) = asked else { return (decision.into(), 0) };
    let (tally, failed) = ask_all(asked, questions, parallel).await;
    (tally.report(decision), failed)
}

/// What asking needs: everything, or without a model only what finds passages.
struct Opened {
    knowledge: KnowledgeBase,
    app: Option<App>,
}

impl Opened {
    async fn open(config: &Config, arguments: &Arguments) -> Result<Self> {
        if arguments.without_model {
            let knowledge = KnowledgeBase::open(config, &ModelFiles::find(config, None)?).await?;
            return Ok(Self { knowledge, app: None });
        }
        let generator = models::installed_generator(config)?;
        let files = ModelFiles::find(config, generator.as_deref())?;
        let app = App::open(config.clone(), &files).await?;
        Ok(Self { knowledge: app.knowledge.clone(), app: Some(app) })
    }

    fn asked(&self, collection: CollectionId) -> Option<Asked<'_>> {
        let app = self.app.as_ref()?;
        Some(Asked::Here { db: &self.knowledge.db, chat: &app.chat, collection })
    }

    async fn close(&self) {
        match &self.app {
            Some(app) => app.close().await,
            None => self.knowledge.db.close().await,
        }
    }
}

fn print_report(report: &AnswersReport) -> Result<()> {
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"));
    let AnswersReport { answerable, unanswerable, cited_right_document, threshold, .. } = report;
    let mut table = Table::new();
    table.set_header(["", "questions", "declined", "exact match", "F1", "cited right document"]);
    table.add_row([
        "answerable".to_owned(),
        answerable.n.to_string(),
        share(Some(answerable.declined)),
        share(answerable.exact_match),
        share(answerable.f1),
        share(*cited_right_document),
    ]);
    let unanswerable = [unanswerable.n.to_string(), share(Some(unanswerable.declined))];
    table.add_row(["unanswerable".to_owned()].into_iter().chain(unanswerable));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    writeln!(out, "evidence threshold {threshold}; --json has what others would do")?;
    Ok(())
}
