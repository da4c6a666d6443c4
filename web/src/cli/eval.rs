//! `daedap eval retrieval`: how well a question set's own documents are found, by dense, sparse and hybrid search.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use comfy_table::Table;
use domain::{Scope, Visibility};
use ingest::IngestItem;
use retriever::eval::{self, Dataset, RetrievalReport, SystemReport};

use super::{Globals, Outcome, print_json, progress};
use crate::app::{KnowledgeBase, WORKSPACE};
use crate::config::{Config, VectorsConfig};
use crate::model_files::ModelFiles;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// recall@1/5/10, MRR@10, nDCG@10 and latency on a SQuAD-format JSON file or a BEIR folder
    Retrieval(Arguments),
}

/// What to measure on.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// SQuAD-format JSON (each paragraph becomes one document), or a BEIR folder
    dataset: PathBuf,
}

pub(super) async fn run(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    let Command::Retrieval(arguments) = command;
    let dataset = Dataset::read(&arguments.dataset)?;
    // The measured index is thrown away, so that a question set never mixes with anybody's documents.
    let scratch = tempfile::tempdir().context("no temporary folder can be made")?;
    let vectors = VectorsConfig { url: String::new(), ..config.vectors.clone() };
    let config =
        Config { data_dir: scratch.path().to_owned(), database_url: String::new(), vectors, ..config };
    let knowledge = KnowledgeBase::open(&config, &ModelFiles::find(&config, None)?).await?;
    let scope = load(&knowledge, &dataset).await?;
    let bar = progress::bar(dataset.queries.len() as u64, "questions");
    let report = eval::run(&knowledge.retriever, &scope, &dataset, |_| bar.inc(1)).await?;
    bar.finish();
    knowledge.db.close().await;
    if globals.json {
        print_json(&report)?;
    } else {
        print_table(&report)?;
    }
    Ok(Outcome::Done)
}

async fn load(knowledge: &KnowledgeBase, dataset: &Dataset) -> Result<Scope> {
    let collection = knowledge.db.ensure_collection(WORKSPACE, "evaluation", Visibility::Private).await?.id;
    let bar = progress::bar(dataset.documents.len() as u64, "documents");
    for document in &dataset.documents {
        let item = IngestItem {
            workspace: WORKSPACE,
            collection,
            source: document.source.clone(),
            bytes: document.text.clone().into_bytes(),
            force: false,
        };
        knowledge.pipeline.ingest(item).await.with_context(|| format!("document {}", document.source))?;
        bar.inc(1);
    }
    bar.finish();
    Ok(Scope { workspace: WORKSPACE, collections: vec![collection] })
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
    Ok(())
}
