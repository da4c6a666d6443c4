//! `cargo xtask test`: sets up what the tests need, then runs every test.
//!
//! A missing program or model is a warning, and its tests are skipped. Where `CI` is set it is an error instead, because
//! nobody reads warnings there.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::cargo::cargo;
use crate::cargo_output::run_counting;
use crate::models;
use crate::postgres::Postgres;
use crate::prerequisites::Prerequisites;
use crate::schemathesis;

/// Build and test select the same packages: otherwise cargo would unify features differently and compile shared
/// dependencies twice.
const SELECTION: &str = "--workspace";

#[derive(Args)]
pub(crate) struct TestArguments {
    /// Also download the 1.1 GB model and run the end-to-end test on whole books
    #[arg(long)]
    with_large_model: bool,
    /// Passed to `cargo test`, for example the name of one test
    #[arg(last = true)]
    cargo_arguments: Vec<String>,
}

pub(crate) fn run(arguments: &TestArguments) -> Result<ExitCode> {
    // Before the build, which replaces this executable.
    let daedap = std::env::current_exe()?.with_file_name("daedap");
    let prerequisites = Prerequisites::find_or_install();
    for warning in prerequisites.warnings() {
        warn_or_fail(&warning)?;
    }
    let schemathesis = match schemathesis::find_or_install() {
        Ok(program) => Some(program),
        Err(error) => {
            warn_or_fail(&format!("no schemathesis: the API is not tested against its document: {error:#}"))?;
            None
        }
    };
    build_everything()?;
    let models = match models::pull(&daedap, arguments.with_large_model) {
        Ok(folder) => Some(folder),
        Err(error) => {
            warn_or_fail(&format!("no test models: embedding and generation are not tested: {error:#}"))?;
            None
        }
    };
    let postgres = prerequisites.postgres_bin.as_deref().map(Postgres::start).transpose()?;
    let environment =
        Environment { prerequisites: &prerequisites, models, postgres: postgres.as_ref(), schemathesis };
    let mut command = cargo("test");
    command.args([SELECTION, "--no-fail-fast"]).args(&arguments.cargo_arguments);
    environment.apply(&mut command, arguments.with_large_model);
    let (status, totals) = run_counting(&mut command, std::io::stdout(), std::io::stderr())?;
    // Whatever the server still prints comes before the summary.
    drop(postgres);
    println!("{}", totals.summary(status));
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the tests find in their environment variables.
struct Environment<'a> {
    prerequisites: &'a Prerequisites,
    models: Option<PathBuf>,
    postgres: Option<&'a Postgres>,
    schemathesis: Option<PathBuf>,
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
        if let Some(schemathesis) = &self.schemathesis {
            command.env("DAEDAP_TEST_SCHEMATHESIS", schemathesis);
        }
    }
}

/// Builds the product and all test programs, so that no test waits for a compiler or runs a stale binary.
fn build_everything() -> Result<()> {
    let status = cargo("build").args([SELECTION, "--all-targets"]).status().context("cannot run cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(())
}

fn warn_or_fail(warning: &str) -> Result<()> {
    if is_ci() {
        bail!("{warning}");
    }
    eprintln!("\nwarning: {warning}\n");
    Ok(())
}

fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}
