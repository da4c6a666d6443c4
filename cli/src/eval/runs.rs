//! `daedap eval runs`: what a collection's evaluation set measured, newest first.

use std::io::Write;

use anyhow::Result;
use comfy_table::Table;
use db::EvalRun;
use serde_json::json;

use super::figures::FIGURES;
use super::place::Place;
use crate::cli::{Globals, Outcome, print_json};
use crate::config::Config;

pub(super) async fn run(config: Config, globals: &Globals) -> Result<Outcome> {
    let runs = Place::of(&config, globals).await?.runs().await?;
    if globals.json {
        print_json(&json!({ "runs": runs }))?;
    } else if runs.is_empty() {
        writeln!(std::io::stdout(), "nothing was measured yet; `daedap eval run` does")?;
    } else {
        writeln!(std::io::stdout(), "{}", table(&runs))?;
    }
    Ok(Outcome::Done)
}

fn table(runs: &[EvalRun]) -> Table {
    let mut table = Table::new();
    let names = FIGURES.iter().map(|figure| figure.name);
    table.set_header(["measured", "documents", "questions"].into_iter().chain(names).chain(["threshold"]));
    for run in runs {
        let number =
            |pointer: &str| run.report.pointer(pointer).and_then(|value| value.as_u64()).unwrap_or(0);
        let questions = number("/decision/answerable/n") + number("/decision/unanswerable/n");
        let mut row =
            vec![run.created_at.to_string(), number("/documents").to_string(), questions.to_string()];
        row.extend(FIGURES.iter().map(|figure| shown(figure.of(run))));
        row.push(shown(run.report.pointer("/decision/threshold").and_then(|value| value.as_f64())));
        table.add_row(row);
    }
    table
}

/// A figure, or a dash for one that was not reported.
pub(super) fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"))
}
