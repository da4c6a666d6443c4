//! `daedap eval answers`: asks every question as a person would, and judges the answers.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chat::eval::AnswersReport;
use clap::Args;
use comfy_table::Table;
use domain::CollectionId;
use retriever::eval::{Dataset, DecisionReport, JudgedQuestion};
use service::config::Config;
use service::evaluation::sampled;

use super::asking::Asking;
use super::scratch::{self, Corpus, measure};
use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    dataset: Option<PathBuf>,
    #[arg(long, value_name = "DATASET", requires = "dataset")]
    unanswerable: Option<PathBuf>,
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    #[arg(long)]
    without_model: bool,
}

impl Arguments {
    fn limit(&self) -> Option<usize> {
        self.limit.map(NonZeroUsize::get)
    }
}

pub(super) async fn run(settings: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let (report, failed) = match &arguments.dataset {
        Some(path) => of_dataset(settings, path, &arguments).await?,
        None => of_collection(&settings, globals, &arguments).await?,
    };
    if globals.json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(Outcome::of(failed == 0))
}

async fn of_dataset(settings: Config, path: &Path, arguments: &Arguments) -> Result<(AnswersReport, usize)> {
    let Dataset { documents, mut questions } = Dataset::read(path)?;
    if let Some(path) = &arguments.unanswerable {
        questions.extend(Dataset::read(path)?.questions.into_iter().map(JudgedQuestion::unanswerable));
    }
    let questions = sampled(questions, arguments.limit());
    let (_folder, settings) = scratch::settings(settings)?;
    let parallel = settings.generator.parallel;
    let client = Client::open_scratch(settings).await?;
    let app = client.app().context("a scratch installation is never served")?;
    let scope = scratch::load(app, &documents).await?;
    let corpus = Corpus { scope: &scope, documents: documents.len() };
    let decision = measure(app, &corpus, &questions).await?.decision;
    let collection = scope.collections.first().copied().context("the documents are in a collection")?;
    let asking = Asking { client: &client, collection, parallel };
    let judged = judge(&asking, &questions, decision, arguments).await;
    client.close().await?;
    Ok(judged)
}

async fn of_collection(
    settings: &Config,
    globals: &Globals,
    arguments: &Arguments,
) -> Result<(AnswersReport, usize)> {
    let client = Client::connect(settings, None).await?;
    let collection: CollectionId = client.collection(globals.named_collection()).await?;
    let set = client.eval_questions(collection).await?.into_iter().map(JudgedQuestion::from).collect();
    let questions = sampled(set, arguments.limit());
    let spinner = progress::spinner(message!("cli-questions"));
    let decision = client.measure(collection, arguments.limit()).await?.decision.into();
    spinner.finish_and_clear();
    let asking = Asking { client: &client, collection, parallel: settings.generator.parallel };
    let judged = judge(&asking, &questions, decision, arguments).await;
    client.close().await?;
    Ok(judged)
}

/// The report, and the number of questions without an answer. Without a model it is the report of the decision by
/// evidence alone.
async fn judge(
    asking: &Asking<'_>,
    questions: &[JudgedQuestion],
    decision: DecisionReport,
    arguments: &Arguments,
) -> (AnswersReport, usize) {
    if arguments.without_model {
        return (decision.into(), 0);
    }
    let (tally, failed) = asking.ask_all(questions).await;
    (tally.report(decision), failed)
}

fn print_report(report: &AnswersReport) -> Result<()> {
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"));
    let AnswersReport { answerable, unanswerable, cited_right_document, threshold, .. } = report;
    let mut table = Table::new();
    table.set_header([
        String::new(),
        message!("cli-column-questions"),
        message!("cli-column-declined"),
        message!("cli-column-exact-match"),
        "F1".to_owned(),
        message!("cli-column-cited-right-document"),
    ]);
    table.add_row([
        message!("cli-eval-answerable"),
        answerable.n.to_string(),
        share(Some(answerable.declined)),
        share(answerable.exact_match),
        share(answerable.f1),
        share(*cited_right_document),
    ]);
    let unanswerable = [unanswerable.n.to_string(), share(Some(unanswerable.declined))];
    table.add_row([message!("cli-eval-unanswerable")].into_iter().chain(unanswerable));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    writeln!(out, "{}", message!("cli-eval-threshold-hint", threshold = threshold.to_string()))?;
    Ok(())
}
