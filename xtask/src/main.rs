//! The project's own chores, run as `cargo xtask NAME`.
//!
//! Each chore is one module. Nothing of the product is linked here: a chore drives the same `cargo` and the
//! same `daedap` binary that a person would.

mod bench;
mod cargo;
mod cargo_output;
mod models;
mod postgres;
mod prerequisites;
mod test;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores", version)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Finds or installs what the tests need, fetches the test models and runs every test.
    Test(test::TestArguments),
    /// Measures daedap and what one would use instead, in turn, and writes what came out to BENCHMARKS.md.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    std::env::set_current_dir(workspace_root()?).context("cannot enter the workspace root")?;
    match arguments.chore {
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Bench(bench) => bench::run(&bench),
    }
}

/// The folder of the workspace's `Cargo.toml`, so that `cargo xtask` works from any folder below it.
fn workspace_root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the xtask package has no parent folder")
}
