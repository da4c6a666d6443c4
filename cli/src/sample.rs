//! Loads the sample knowledge base, a small company's documents in the binary, so that a first question has an answer.

use anyhow::{Context, Result};
use domain::Visibility;
use ingest::{IngestItem, Pipeline};
use rust_embed::RustEmbed;
use service::{App, WORKSPACE};

use crate::messages::message;
use crate::progress;

/// The collection of the sample; deleting it removes all of it.
const COLLECTION: &str = "sample";

#[derive(RustEmbed)]
#[folder = "../examples/knowledge-base"]
struct Documents;

/// Whether nothing was ever ingested into this data directory. What is deleted of the sample stays deleted.
pub(crate) async fn is_wanted(app: &App) -> Result<bool> {
    if app.db.is_sample_loaded(WORKSPACE).await? {
        return Ok(false);
    }
    let collections = app.db.collections(WORKSPACE).await?;
    // A start that was killed while it loaded the sample continues with it.
    Ok(match collections.as_slice() {
        [] => !app.db.has_data().await?,
        [only] => {
            only.name == COLLECTION
                && app.db.count_documents(WORKSPACE).await? < Documents::iter().count() as u64
        }
        _ => false,
    })
}

/// Ingests the documents that are missing.
pub(crate) async fn load(app: &App) -> Result<()> {
    let collection = app.db.ensure_collection(WORKSPACE, COLLECTION, Visibility::Private).await?;
    let pipeline = Pipeline::new(&app.knowledge().await?.ingest);
    let bar = progress::bar(Documents::iter().count() as u64, message!("cli-start-sample"));
    for source in Documents::iter() {
        let file = Documents::get(&source).context("an embedded file vanished")?;
        let item = IngestItem {
            workspace: WORKSPACE,
            collection: collection.id,
            source: source.to_string(),
            bytes: file.data.into_owned().into(),
            tags: None,
            dated_at: None,
            force: false,
        };
        let ingested = pipeline.ingest(item).await;
        ingested.with_context(|| message!("cli-start-sample-failed", source = source.as_ref()))?;
        bar.inc(1);
    }
    app.db.mark_sample_loaded(WORKSPACE).await?;
    bar.finish();
    Ok(())
}
