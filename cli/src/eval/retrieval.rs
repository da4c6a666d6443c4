//! `daedap eval retrieval`: how well documents are found, by dense, sparse and hybrid search, and what would be declined.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use retriever::eval::{Dataset, RetrievalReport, SystemReport};

use super::place::Place;
use super::scratch::{self, Corpus, measure};
use crate::app::KnowledgeBase;
use crate::cli::{Globals, Outcome, print_json};
use crate::config::Config;
use crate::model_files::ModelFiles;

/// What to measure on.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// SQuAD-format JSON (each paragraph becomes one document), or a BEIR folder; else the collection's own questions
    dataset: Option<PathBuf>,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let report = match arguments.dataset {
        Some(path) => of_dataset(config, &path).await?,
        None => Place::of(&config, globals).await?.measure(None).await?,
    };
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

async fn of_dataset(config: Config, path: &Path) -> Result<RetrievalReport> {
    let dataset = Dataset::read(path)?;
    let (_folder, config) = scratch::config(config)?;
    let knowledge = KnowledgeBase::open(&config, &ModelFiles::find(&config, None)?).await?;
    let scope = scratch::load(&knowledge, &dataset.documents).await?;
    let corpus = Corpus { scope: &scope, documents: dataset.documents.len() };
    let report = measure(&knowledge, &config, &corpus, &dataset.questions).await?;
    knowledge.db.close().await;
    Ok(report)
}

fn print_table(report: &RetrievalReport) -> Result<()> {
    let mut table = Table::new();
    table.set_header([
        "system",
        "recall@1",
        "recall@5",
        "recall@10",
        "MRR@10",
        "nDCG@10",
        "p50 ms",
        "p99 ms",
    ]);
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
    writeln!(out, "{} documents, {} queries", report.documents, report.queries)?;
    writeln!(out, "{table}")?;
    let decision = &report.decision;
    writeln!(
        out,
        "at evidence {}: {:.1}% of {} answerable questions declined, {:.1}% of {} unanswerable ones answered",
        decision.threshold,
        decision.answerable.declined * 100.0,
        decision.answerable.n,
        decision.unanswerable.answered * 100.0,
        decision.unanswerable.n,
    )?;
    Ok(())
}
