//! `daedap reindex`: the vectors again, from the texts in SQL alone.

use anyhow::Result;

use super::{Globals, Outcome, print_json, progress};
use crate::app::{KnowledgeBase, ModelFiles, WORKSPACE};
use crate::config::Config;
use crate::instance::Instance;

pub(super) async fn run(config: Config, globals: &Globals) -> Result<Outcome> {
    let _instance = Instance::take(&config.data_dir)?;
    let knowledge = KnowledgeBase::open(&config, &ModelFiles::find(&config, None)?).await?;
    let bar = progress::bar(knowledge.db.count_documents(WORKSPACE).await?, "documents");
    let report = knowledge.pipeline.reindex(WORKSPACE, |_| bar.inc(1)).await?;
    bar.finish();
    knowledge.db.close().await;
    if globals.json {
        print_json(&report)?;
    } else {
        progress::say(&format!("{report}"));
    }
    Ok(Outcome::Done)
}
