//! `daedap eval retrieval`: measures dense, sparse and hybrid search, and which questions would be declined.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use retriever::eval::Dataset;

use service::App;
use service::config::Config;
use web::api::evaluation::{RetrievalReport, SystemReport};

use super::scratch::{self, Corpus, measure};
use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    dataset: Option<PathBuf>,
}

pub(super) async fn run(settings: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let report = match arguments.dataset {
        Some(path) => of_dataset(settings, &path).await?,
        None => of_collection(&settings, globals).await?,
    };
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

async fn of_collection(settings: &Config, globals: &Globals) -> Result<RetrievalReport> {
    let client = Client::connect(settings, None).await?;
    let collection = client.collection(globals.named_collection()).await?;
    let spinner = progress::spinner(message!("cli-questions"));
    let report = client.measure(collection, None).await?;
    spinner.finish_and_clear();
    client.close().await?;
    Ok(report)
}

async fn of_dataset(settings: Config, path: &Path) -> Result<RetrievalReport> {
    let dataset = Dataset::read(path)?;
    let (_folder, settings) = scratch::settings(settings)?;
    let app = App::open(settings).await?;
    let scope = scratch::load(&app, &dataset.documents).await?;
    let corpus = Corpus { scope: &scope, documents: dataset.documents.len() };
    let report = measure(&app, &corpus, &dataset.questions).await?;
    app.close().await;
    Ok(report.into())
}

fn print_table(report: &RetrievalReport) -> Result<()> {
    let mut table = Table::new();
    let metrics = ["recall@1", "recall@5", "recall@10", "MRR@10", "nDCG@10", "p50 ms", "p99 ms"];
    table.set_header([message!("cli-column-system")].into_iter().chain(metrics.map(str::to_owned)));
    let mut row = |name: &str, system: &SystemReport| {
        let figure = |value: f64| format!("{value:.3}");
        table.add_row([
            name.to_owned(),
            figure(system.recall_at_1),
            figure(system.recall_at_5),
            figure(system.recall_at_10),
            figure(system.mrr_at_10),
            figure(system.ndcg_at_10),
            format!("{:.1}", system.latency_ms.p50),
            format!("{:.1}", system.latency_ms.p99),
        ]);
    };
    row("dense", &report.systems.dense);
    row("sparse", &report.systems.sparse);
    row("hybrid", &report.systems.hybrid);
    let mut out = std::io::stdout().lock();
    let corpus = message!("cli-eval-corpus", documents = report.documents, queries = report.queries);
    writeln!(out, "{corpus}")?;
    writeln!(out, "{table}")?;
    let decision = &report.decision;
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let line = message!(
        "cli-eval-decision",
        threshold = decision.threshold.to_string(),
        declined = percent(decision.answerable.declined),
        answerable = decision.answerable.n,
        answered = percent(decision.unanswerable.answered),
        unanswerable = decision.unanswerable.n,
    );
    writeln!(out, "{line}")?;
    Ok(())
}
