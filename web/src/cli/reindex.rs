//! `daedap reindex`: the vectors again, from the texts in SQL alone.

use anyhow::Result;

use super::{Globals, Outcome, print_json, progress};
use crate::app::{KnowledgeBase, WORKSPACE};
use crate::config::Config;
use crate::instance::Instance;
use crate::model_files::ModelFiles;

pub(super) async fn run(config: Config, globals: &Globals) -> Result<Outcome> {
    let _instance = Instance::take(&config.data_dir)?;
    let knowledge = KnowledgeBase::open_for_reindex(&config, &ModelFiles::find(&config, None)?).await?;
    let bar = progress::bar(0, "documents");
    let report = knowledge
        .pipeline
        .reindex(WORKSPACE, |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        })
        .await?;
    bar.finish();
    knowledge.db.close().await;
    KnowledgeBase::reindexed(&config)?;
    if globals.json {
        print_json(&report)?;
    } else {
        progress::say(&format!(
            "{} documents, {} chunks, {:.1} s",
            report.documents, report.chunks, report.seconds
        ));
        for failed in &report.failed {
            progress::say(&format!(
                "not in the index: {}: {} ({})",
                failed.source, failed.message, failed.code
            ));
        }
    }
    Ok(if report.failed.is_empty() { Outcome::Done } else { Outcome::SomeFailed })
}
