//! `daedap eval run`: measures a collection's evaluation set, and compares it with the run before.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use serde::Serialize;
use serde_json::Value;
use service::config::Config;
use web::api::evaluation::EvalRun;

use super::figures::{FIGURES, Figure, shown};
use super::share::share;
use crate::client::Client;
use crate::globals::Globals;
use crate::messages::message;
use crate::output::{Outcome, print_json};
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    tolerance: f64,
    #[arg(long, value_name = "NAME=VALUE", value_parser = Requirement::parse)]
    require: Vec<Requirement>,
}

#[derive(Debug, Clone, Copy)]
struct Requirement {
    figure: Figure,
    bound: f64,
}

impl Requirement {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, bound) = text.split_once('=').ok_or_else(|| message!("cli-eval-requirement-syntax"))?;
        let figure = Figure::named(name).ok_or_else(|| {
            let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
            message!("cli-eval-unknown-metric", name = name, names = names.join(", "))
        })?;
        Ok(Self { figure, bound: share(bound)? })
    }
}

/// The report of `eval run --json`.
#[derive(Debug, Serialize)]
struct Comparison {
    run: EvalRun,
    previous: Option<EvalRun>,
    settings_changed: Vec<Change>,
    failures: Vec<Failure>,
}

/// A setting that differs from the run before.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    setting: String,
    before: Value,
    now: Value,
}

/// Why a figure fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Reason {
    #[serde(rename = "is worse than at the run before")]
    Worse,
    #[serde(rename = "does not meet what is required")]
    Missed,
}

/// A figure that is worse than allowed.
#[derive(Debug, PartialEq, Serialize)]
struct Failure {
    figure: &'static str,
    now: f64,
    /// What it had to reach, or must not exceed.
    bound: f64,
    reason: Reason,
}

pub(super) async fn run(settings: &Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let client = Client::connect(settings, None).await?;
    let collection = client.collection(globals.named_collection()).await?;
    let previous = client.eval_runs(collection).await?.into_iter().next();
    let spinner = progress::spinner(message!("cli-questions"));
    let run = client.run_evaluation(collection).await?;
    spinner.finish_and_clear();
    client.close().await?;
    let comparison = Comparison {
        settings_changed: previous.as_ref().map_or_else(Vec::new, |before| changes(before, &run)),
        failures: failures(&run, previous.as_ref(), &arguments),
        run,
        previous,
    };
    if globals.json {
        print_json(&comparison)?;
    } else {
        print_comparison(&comparison)?;
    }
    Ok(Outcome::of(comparison.failures.is_empty()))
}

fn changes(before: &EvalRun, now: &EvalRun) -> Vec<Change> {
    let (Some(old), Some(new)) = (before.settings.as_object(), now.settings.as_object()) else {
        return Vec::new();
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let of =
        |settings: &serde_json::Map<String, Value>, name| settings.get(name).cloned().unwrap_or_default();
    let changes = names.into_iter().map(|name| Change {
        setting: name.clone(),
        before: of(old, name),
        now: of(new, name),
    });
    changes.filter(|change| change.before != change.now).collect()
}

fn failures(run: &EvalRun, previous: Option<&EvalRun>, arguments: &Arguments) -> Vec<Failure> {
    let fell = FIGURES.iter().filter_map(|figure| {
        let (now, before) = (figure.of(run)?, figure.of(previous?)?);
        figure.is_worse(now, before, arguments.tolerance).then_some(Failure {
            figure: figure.name,
            now,
            bound: before,
            reason: Reason::Worse,
        })
    });
    let missed = arguments.require.iter().filter_map(|Requirement { figure, bound }| {
        let now = figure.of(run)?;
        figure.is_worse(now, *bound, 0.0).then_some(Failure {
            figure: figure.name,
            now,
            bound: *bound,
            reason: Reason::Missed,
        })
    });
    fell.chain(missed).collect()
}

fn print_comparison(comparison: &Comparison) -> Result<()> {
    let Comparison { run, previous, settings_changed, failures } = comparison;
    let mut table = Table::new();
    table.set_header([String::new(), message!("cli-column-before"), message!("cli-column-now")]);
    for figure in &FIGURES {
        let before = previous.as_ref().and_then(|previous| figure.of(previous));
        table.add_row([figure.name.to_owned(), shown(before), shown(figure.of(run))]);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    for change in settings_changed {
        let line = message!(
            "cli-eval-setting-changed",
            setting = &change.setting,
            now = change.now.to_string(),
            before = change.before.to_string(),
        );
        writeln!(out, "{line}")?;
    }
    for failure in failures {
        let key = match failure.reason {
            Reason::Worse => "cli-eval-worse",
            Reason::Missed => "cli-eval-missed",
        };
        let (now, bound) = (shown(Some(failure.now)), shown(Some(failure.bound)));
        writeln!(out, "{}", message!(key, metric = failure.figure, now = now, bound = bound))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::EvalRunId;
    use serde_json::json;

    use super::*;

    fn run(recall: f64, declined: f64, embedder: &str) -> EvalRun {
        EvalRun {
            id: EvalRunId::new(),
            created_at: Default::default(),
            settings: json!({ "embedder": embedder, "passages": 4 }),
            report: json!({
                "systems": { "hybrid": { "recall@1": recall } },
                "decision": { "answerable": { "declined": declined } },
            }),
        }
    }

    fn arguments(require: &[&str]) -> Arguments {
        let require = require.iter().map(|text| Requirement::parse(text).unwrap()).collect();
        Arguments { tolerance: 0.01, require }
    }

    #[test]
    fn a_fall_and_a_missed_requirement_are_failures() {
        let (before, now) = (run(0.90, 0.02, "a"), run(0.80, 0.03, "a"));
        let found =
            failures(&now, Some(&before), &arguments(&["recall@1=0.7", "declined=0.025", "answered=0"]));
        let found: Vec<(&str, f64)> = found.iter().map(|failure| (failure.figure, failure.bound)).collect();
        assert_eq!(found, [("recall@1", 0.90), ("declined", 0.025)]);
        assert_eq!(failures(&before, Some(&now), &arguments(&[])), []);
        assert_eq!(failures(&now, None, &arguments(&[])), []);
    }

    #[test]
    fn what_changed_in_the_settings_is_named() {
        let found = changes(&run(1.0, 0.0, "a"), &run(1.0, 0.0, "b"));
        assert_eq!(found, [Change { setting: "embedder".to_owned(), before: json!("a"), now: json!("b") }]);
    }

    #[test]
    fn a_requirement_names_a_figure_and_a_share() {
        for bad in ["recall@1", "recall@3=0.5", "recall@1=1.01", "recall@1=x", "=1"] {
            assert!(Requirement::parse(bad).is_err(), "{bad}");
        }
    }
}
