//! `daedap eval runs`: lists what a collection's evaluation set measured, newest first.

use anyhow::Result;
use comfy_table::Table;
use serde::Serialize;
use service::config::Config;
use web::api::evaluation::EvalRun;

use super::figures::{FIGURES, shown};
use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json, print_line};

/// The report of `eval runs --json`.
#[derive(Serialize)]
struct Report {
    runs: Vec<EvalRun>,
}

pub(super) async fn run(settings: &Config, globals: &Globals) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let collection = client.collection(globals.named_collection()).await?;
    let runs = client.eval_runs(collection).await?;
    client.close().await?;
    if globals.json {
        print_json(&Report { runs })?;
    } else if runs.is_empty() {
        print_line(message!("cli-eval-no-runs"))?;
    } else {
        print_line(table_of(&runs))?;
    }
    Ok(Outcome::Done)
}

fn table_of(runs: &[EvalRun]) -> Table {
    let mut table = Table::new();
    let mut header = vec![
        message!("cli-column-measured"),
        message!("cli-column-documents"),
        message!("cli-column-questions"),
    ];
    header.extend(FIGURES.iter().map(|figure| figure.name.to_owned()));
    header.push(message!("cli-column-threshold"));
    table.set_header(header);
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
