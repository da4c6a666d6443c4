//! Defines the subcommands of `cargo xtask bench` and runs the chosen one.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::{engine, ingest};

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
