//! `cargo xtask bench engine|ingest`: daedap and what one would use instead, in turn, written to BENCHMARKS.md.
//!
//! In a round the two run one right after the other, so that a neighbour who takes the machine's time or memory takes it
//! from both. Figures are medians over the rounds; the ratio is the median of the rounds' ratios, daedap's figure over the
//! other's.

mod engine;
mod ingest;
mod llama_server;
mod report;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use serde_json::Value;

use crate::cargo::cargo;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The engine and llama.cpp, on the same model files
    Engine(engine::Arguments),
    /// `daedap ingest` and a plain Python pipeline, on the same folders
    Ingest(ingest::Arguments),
}

pub(crate) fn run(bench: &Bench) -> Result<ExitCode> {
    match bench {
        Bench::Engine(arguments) => engine::run(arguments)?,
        Bench::Ingest(arguments) => ingest::run(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One measurement of both sides.
struct Pair {
    what: &'static str,
    unit: &'static str,
    daedap: f64,
    peer: f64,
}

/// The release binary, built.
fn release_binary() -> Result<PathBuf> {
    let status = cargo("build").arg("--release").status().context("cannot run cargo")?;
    ensure!(status.success(), "the build failed");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(target.join("release/daedap"))
}

/// What a command prints, which is one JSON value.
fn printed_json(command: &mut Command) -> Result<Value> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{program} printed no JSON"))
}

fn number(value: &Value, key: &str) -> Result<f64> {
    value.get(key).and_then(Value::as_f64).with_context(|| format!("no number `{key}`"))
}
