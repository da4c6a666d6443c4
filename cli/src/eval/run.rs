//! `daedap eval run`: measures a collection's evaluation set, and compares with the last time.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use db::EvalRun;
use serde::Serialize;
use serde_json::Value;

use super::figures::{FIGURES, Figure};
use super::place::Place;
use super::runs::shown;
use super::share;
use crate::cli::{Globals, Outcome, print_json};
use crate::config::Config;

/// `daedap eval run`'s own arguments.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// How much worse than the run before a figure may be
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    tolerance: f64,
    /// Least recall@1, recall@5, recall@10, mrr@10 or ndcg@10, or most declined or answered, e.g. recall@5=0.9
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
        let (name, bound) = text.split_once('=').ok_or("must be NAME=VALUE")?;
        let figure = Figure::named(name).ok_or_else(|| {
            let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
            format!("there is no figure {name}; there are {}", names.join(", "))
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

/// A setting that is otherwise than at the run before.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    setting: String,
    before: Value,
    now: Value,
}

/// A figure that is worse than it may be.
#[derive(Debug, PartialEq, Serialize)]
struct Failure {
    figure: &'static str,
    now: f64,
    /// What it had to reach, or not to exceed.
    bound: f64,
    reason: &'static str,
}

pub(super) async fn run(config: Config, globals: &Globals, arguments: Arguments) -> Result<Outcome> {
    let place = Place::of(&config, globals).await?;
    let previous = place.runs().await?.into_iter().next();
    let run = place.run().await?;
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
    Ok(if comparison.failures.is_empty() { Outcome::Done } else { Outcome::SomeFailed })
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
            reason: "is worse than at the run before",
        })
    });
    let missed = arguments.require.iter().filter_map(|Requirement { figure, bound }| {
        let now = figure.of(run)?;
        figure.is_worse(now, *bound, 0.0).then_some(Failure {
            figure: figure.name,
            now,
            bound: *bound,
            reason: "does not meet what is required",
        })
    });
    fell.chain(missed).collect()
}

fn print_comparison(comparison: &Comparison) -> Result<()> {
    let Comparison { run, previous, settings_changed, failures } = comparison;
    let mut table = Table::new();
    table.set_header(["", "before", "now"]);
    for figure in &FIGURES {
        let before = previous.as_ref().and_then(|previous| figure.of(previous));
        table.add_row([figure.name.to_owned(), shown(before), shown(figure.of(run))]);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{table}")?;
    for change in settings_changed {
        writeln!(out, "setting {}: {}, before {}", change.setting, change.now, change.before)?;
    }
    for failure in failures {
        writeln!(out, "{} {}: {:.3}, not {:.3}", failure.figure, failure.reason, failure.now, failure.bound)?;
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
