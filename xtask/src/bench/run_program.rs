//! Builds the release binary, runs programs under test and reads the JSON they print.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo::cargo;

/// Builds the release binary and returns its path.
pub(super) fn release_binary() -> Result<PathBuf> {
    let status =
        cargo("build").args(["--release", "--package", "cli"]).status().context("cannot run cargo")?;
    ensure!(status.success(), "the build failed");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(target.join("release/daedap"))
}

/// Runs a command that prints one JSON value, and parses it.
pub(super) fn printed_json(command: &mut Command) -> Result<Value> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} exited with {}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{program} printed no JSON"))
}

pub(super) fn number(value: &Value, key: &str) -> Result<f64> {
    value.get(key).and_then(Value::as_f64).with_context(|| format!("no number `{key}` in the JSON output"))
}
