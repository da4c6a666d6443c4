//! A knowledge base for one measurement, thrown away after it, so that a question set never mixes with anybody's documents.

use anyhow::{Context, Result};
use domain::{Filter, Scope, Visibility};
use ingest::IngestItem;
use retriever::eval::{self, EvalDocument, JudgedQuestion, Measurement, RetrievalReport};
use tempfile::TempDir;

use crate::app::{KnowledgeBase, WORKSPACE};
use crate::cli::progress;
use crate::config::{Config, VectorsConfig};

/// The settings, but with all stores in a folder of their own, which goes away with the handle.
pub(in crate::cli) fn config(config: Config) -> Result<(TempDir, Config)> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let vectors = VectorsConfig { url: String::new(), ..config.vectors };
    let data_dir = folder.path().to_owned();
    let (database_url, originals_url) = (String::new(), String::new());
    Ok((folder, Config { data_dir, database_url, originals_url, vectors, ..config }))
}

/// Ingests the documents; the scope of nothing but them.
pub(super) async fn load(knowledge: &KnowledgeBase, documents: &[EvalDocument]) -> Result<Scope> {
    let collection = knowledge.db.ensure_collection(WORKSPACE, "evaluation", Visibility::Private).await?.id;
    let bar = progress::bar(documents.len() as u64, "documents");
    for document in documents {
        let item = IngestItem {
            workspace: WORKSPACE,
            collection,
            source: document.source.clone(),
            bytes: document.text.clone().into(),
            tags: None,
            dated_at: None,
            force: false,
        };
        knowledge.pipeline.ingest(item).await.with_context(|| format!("document {}", document.source))?;
        bar.inc(1);
    }
    bar.finish();
    Ok(Scope { workspace: WORKSPACE, collections: vec![collection], filter: Filter::default() })
}

/// What is asked about.
pub(super) struct Corpus<'a> {
    pub(super) scope: &'a Scope,
    pub(super) documents: usize,
}

/// The figures of retrieval and of the decision to answer.
pub(super) async fn measure(
    knowledge: &KnowledgeBase,
    config: &Config,
    corpus: &Corpus<'_>,
    questions: &[JudgedQuestion],
) -> Result<RetrievalReport> {
    let measurement = Measurement {
        scope: corpus.scope,
        documents: corpus.documents,
        questions,
        passages: config.chat.passages,
    };
    let bar = progress::bar(questions.len() as u64, "questions");
    let report = eval::run(&knowledge.retriever, &measurement, |_| bar.inc(1)).await?;
    bar.finish();
    Ok(report)
}
