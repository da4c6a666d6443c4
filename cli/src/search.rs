//! `daedap search`: shows the passages that a query retrieves, with their scores.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use service::config::Config;
use web::api::search::{Passage, SearchRequest};

use crate::client::Client;
use crate::filter_args::FilterArguments;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    query: String,
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=50))]
    limit: u8,
    #[command(flatten)]
    filter: FilterArguments,
}

pub(crate) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let request = SearchRequest {
        query: arguments.query,
        collections: client.scope(globals.collection.as_deref()).await?,
        filter: arguments.filter.request(),
        limit: arguments.limit.into(),
    };
    let found = client.search(&request).await?;
    client.close().await?;
    if globals.json {
        print_json(&found)?;
    } else {
        print_passages(&found.passages)?;
    }
    Ok(Outcome::Done)
}

fn print_passages(passages: &[Passage]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if passages.is_empty() {
        writeln!(out, "{}", message!("cli-search-nothing"))?;
    }
    for (rank, passage) in (1..).zip(passages) {
        let score = |score: Option<f32>| score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
        let scores = message!(
            "cli-search-scores",
            score = score(Some(passage.score)),
            dense = score(passage.dense_score),
            sparse = score(passage.sparse_score),
        );
        let heading = passage.heading_path.last().unwrap_or(&passage.title);
        writeln!(out, "{rank}. {heading}  ({scores})")?;
        match passage.page {
            Some(page) => writeln!(out, "   {}, {}", passage.source, message!("cli-page", page = page))?,
            None => writeln!(out, "   {}", passage.source)?,
        }
        for line in passage.text.lines().filter(|line| !line.trim().is_empty()) {
            writeln!(out, "   | {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
