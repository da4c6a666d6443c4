//! A scratch installation for one measurement: a dataset never mixes with anybody's documents.

use anyhow::{Context, Result};
use domain::{Filter, Scope, Visibility};
use ingest::{IngestItem, Pipeline};
use retriever::eval::{self, EvalDocument, JudgedQuestion, Measurement, RetrievalReport};
use tempfile::TempDir;

use service::config::{Config, SecretUrl, VectorsConfig};
use service::{App, WORKSPACE};

use crate::messages::message;
use crate::progress;

/// The settings with all stores in a temporary folder, which is deleted with the handle.
pub(crate) fn settings(settings: Config) -> Result<(TempDir, Config)> {
    let folder = tempfile::tempdir().with_context(|| message!("cli-eval-no-folder"))?;
    let vectors = VectorsConfig { url: SecretUrl::default(), ..settings.vectors };
    let data_dir = folder.path().to_owned();
    let (database_url, originals_url) = (SecretUrl::default(), SecretUrl::default());
    Ok((folder, Config { data_dir, database_url, originals_url, vectors, ..settings }))
}

/// Ingests the documents, and returns the scope of nothing but them.
pub(super) async fn load(app: &App, documents: &[EvalDocument]) -> Result<Scope> {
    let collection = app.db.ensure_collection(WORKSPACE, "evaluation", Visibility::Private).await?.id;
    let pipeline = Pipeline::new(&app.knowledge().await?.ingest);
    let bar = progress::bar(documents.len() as u64, message!("cli-documents"));
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
        let ingested = pipeline.ingest(item).await;
        ingested.with_context(|| message!("cli-eval-document", source = &document.source))?;
        bar.inc(1);
    }
    bar.finish();
    Ok(Scope { workspace: WORKSPACE, collections: vec![collection], filter: Filter::default() })
}

/// The documents that questions are asked about.
pub(super) struct Corpus<'a> {
    pub(super) scope: &'a Scope,
    pub(super) documents: usize,
}

/// The figures of retrieval and of the decision to answer.
pub(super) async fn measure(
    app: &App,
    corpus: &Corpus<'_>,
    questions: &[JudgedQuestion],
) -> Result<RetrievalReport> {
    let measurement = Measurement {
        scope: corpus.scope,
        documents: corpus.documents,
        questions,
        passages: app.config.chat.passages,
    };
    let bar = progress::bar(questions.len() as u64, message!("cli-questions"));
    let report = eval::measure(&app.knowledge().await?.retriever, &measurement, |_| bar.inc(1)).await?;
    bar.finish();
    Ok(report)
}
