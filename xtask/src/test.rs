//! `cargo xtask test`: everything the tests need, then every test.
//!
//! What cannot be had is named loudly and its tests are skipped; where `CI` is set it is a failure instead, because
//! there nobody reads a warning.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::cargo::cargo;
use crate::cargo_output::run_counting;
use crate::models;
use crate::postgres::Postgres;
use crate::prerequisites::Prerequisites;

/// The same selection for building and for testing: with another one, cargo would choose other features for shared
/// dependencies and compile them a second time.
const SELECTION: &str = "--workspace";

#[derive(Args)]
pub(crate) struct TestArguments {
    /// Also fetches the 1.1 GB model and runs the end-to-end test on whole books.
    #[arg(long)]
    with_large_model: bool,
    /// Handed to `cargo test`, for example the name of one test.
    #[arg(last = true)]
    cargo_arguments: Vec<String>,
}

pub(crate) fn run(arguments: &TestArguments) -> Result<ExitCode> {
    // Asked first: the build below replaces this very program.
    let daedap = std::env::current_exe()?.with_file_name("daedap");
    let prerequisites = Prerequisites::find_or_install();
    for complaint in prerequisites.complaints() {
        complain(&complaint)?;
    }
    build_everything()?;
    let models = match models::pull(&daedap, arguments.with_large_model) {
        Ok(folder) => Some(folder),
        Err(error) => {
            complain(&format!("no test models, so nothing that embeds or generates is tested: {error:#}"))?;
            None
        }
    };
    let postgres = prerequisites.postgres_bin.as_deref().map(Postgres::start).transpose()?;
    let environment = Environment { prerequisites: &prerequisites, models, postgres: postgres.as_ref() };
    let mut command = cargo("test");
    command.args([SELECTION, "--no-fail-fast"]).args(&arguments.cargo_arguments);
    environment.apply(&mut command, arguments.with_large_model);
    let (status, totals) = run_counting(&mut command, std::io::stdout(), std::io::stderr())?;
    // The server's last words come before ours.
    drop(postgres);
    println!("{}", totals.summary(status));
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the tests learn about the machine.
struct Environment<'a> {
    prerequisites: &'a Prerequisites,
    models: Option<PathBuf>,
    postgres: Option<&'a Postgres>,
}

impl Environment<'_> {
    fn apply(&self, command: &mut Command, with_large_model: bool) {
        if let Some(models) = &self.models {
            command.env("DAEDAP_TEST_MODELS", models);
            if with_large_model {
                command.env("DAEDAP_TEST_LARGE_MODEL", "1");
            }
        }
        if let Some(postgres) = self.postgres {
            command.env("DAEDAP_TEST_POSTGRES_URL", postgres.url());
        }
        if let Some(chromium) = &self.prerequisites.chromium {
            command.env("DAEDAP_TEST_CHROMIUM", &chromium.browser);
            command.env("DAEDAP_TEST_CHROMEDRIVER", &chromium.driver);
        }
    }
}

/// Builds the product and all test programs at once, so that a test never waits for a compiler or meets a stale binary.
fn build_everything() -> Result<()> {
    let status = cargo("build").args([SELECTION, "--all-targets"]).status().context("cannot run cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(())
}

fn complain(complaint: &str) -> Result<()> {
    if is_ci() {
        bail!("{complaint}");
    }
    eprintln!("\nSKIPPING: {complaint}\n");
    Ok(())
}

fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}
