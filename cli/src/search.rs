//! `daedap search`: the passages that a question finds, with their scores.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use domain::{Filter, Passage};
use retriever::Query;

use super::narrow::Narrow;
use super::{Globals, Outcome, print_json, remote, scope};
use crate::app::KnowledgeBase;
use crate::config::Config;
use crate::instance::{Instance, InstanceError};
use crate::model_files::ModelFiles;
use crate::routes::search::SearchResponse;

/// `daedap search`'s own arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to look for
    query: String,
    /// Most passages to show
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=50))]
    limit: u8,
    #[command(flatten)]
    narrow: Narrow,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let filter = arguments.narrow.filter()?;
    let found = match Instance::take(&config.data_dir) {
        Ok(_instance) => search_here(&config, globals, &arguments, filter).await?,
        Err(InstanceError::Served(url)) => {
            let server = remote::Server::new(&url)?;
            let collection = globals.collection.as_deref();
            server.search(&arguments.query, collection, &filter, arguments.limit.into()).await?
        }
        Err(error) => return Err(error.into()),
    };
    if globals.json {
        print_json(&found)?;
    } else {
        print_passages(&found.passages)?;
    }
    Ok(Outcome::Done)
}

async fn search_here(
    config: &Config,
    globals: &Globals,
    arguments: &Arguments,
    filter: Filter,
) -> Result<SearchResponse> {
    let knowledge = KnowledgeBase::open(config, &ModelFiles::find(config, None)?).await?;
    let scope = scope(&knowledge, globals.collection.as_deref(), filter).await?;
    let query =
        Query { text: arguments.query.clone(), earlier: Vec::new(), scope, limit: arguments.limit.into() };
    let retrieved = knowledge.retriever.retrieve(&query).await?;
    knowledge.db.close().await;
    Ok(SearchResponse { passages: retrieved.passages, timings_ms: retrieved.timings_ms })
}

fn print_passages(passages: &[Passage]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if passages.is_empty() {
        writeln!(out, "nothing found")?;
    }
    for (at, passage) in passages.iter().enumerate() {
        let chunk = &passage.chunk;
        let score = |score: Option<f32>| score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
        writeln!(
            out,
            "{}. {}  (score {:.3}, dense {}, sparse {})",
            at + 1,
            chunk.heading_path.last().unwrap_or(&chunk.title),
            passage.score,
            score(passage.dense_score),
            score(passage.sparse_score),
        )?;
        let page = chunk.page.map_or_else(String::new, |page| format!(", page {page}"));
        writeln!(out, "   {}{page}", chunk.source)?;
        for line in chunk.text.lines().filter(|line| !line.trim().is_empty()) {
            writeln!(out, "   | {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
