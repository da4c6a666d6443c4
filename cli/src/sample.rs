//! The sample knowledge base: a small company's documents, in the binary, so that a first question has an answer.

use anyhow::{Context, Result};
use domain::Visibility;
use ingest::IngestItem;
use rust_embed::RustEmbed;

use super::progress;
use crate::app::{KnowledgeBase, WORKSPACE};

/// The collection it is loaded into; deleting that removes all of it.
const COLLECTION: &str = "sample";

#[derive(RustEmbed)]
#[folder = "../examples/knowledge-base"]
struct Documents;

/// Whether nothing was ever put into this data directory.
pub(super) async fn is_wanted(knowledge: &KnowledgeBase) -> Result<bool> {
    let collections = knowledge.db.collections(WORKSPACE).await?;
    // A start that was cut off in the middle of the sample goes on with it.
    Ok(match collections.as_slice() {
        [] => true,
        [only] => {
            only.name == COLLECTION
                && knowledge.db.count_documents(WORKSPACE).await? < Documents::iter().count() as u64
        }
        _ => false,
    })
}

/// Ingests the documents that are not there yet.
pub(super) async fn load(knowledge: &KnowledgeBase) -> Result<()> {
    let collection = knowledge.db.ensure_collection(WORKSPACE, COLLECTION, Visibility::Private).await?;
    let bar = progress::bar(Documents::iter().count() as u64, "sample documents");
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
        knowledge
            .pipeline
            .ingest(item)
            .await
            .with_context(|| format!("the sample document {source} was not loaded"))?;
        bar.inc(1);
    }
    bar.finish();
    Ok(())
}
