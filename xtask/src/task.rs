//! Parses the command line and runs the chosen task in the workspace root.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::{bench, test};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of the project", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what the tests need, download the test models and run every test
    Test(test::TestArguments),
    /// Measure daedap and its usual alternative in turn, and write the figures to BENCHMARKS.md
    #[command(subcommand)]
    Bench(bench::Bench),
}

pub(crate) fn run() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    std::env::set_current_dir(workspace_root()?).context("cannot change to the workspace root")?;
    match arguments.task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Bench(bench) => bench::run(&bench),
    }
}

/// The folder of the workspace's `Cargo.toml`: `cargo xtask` works from any folder below it.
fn workspace_root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the xtask package has no parent folder")
}
