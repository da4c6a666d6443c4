//! `daedap parse`: what the binary runs in child processes that parse; for people it has `--self-test`.

use std::net::TcpListener;
use std::path::PathBuf;

use ::parse::Attempt;
use anyhow::{Context, Result};
use clap::Args;
use service::config::Config;

use crate::messages::message;
use crate::output::{Outcome, print_line};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "ID")]
    parent: Option<u32>,
    #[arg(long)]
    pub(crate) self_test: bool,
    #[arg(long, value_name = "NAME", requires = "target")]
    attempt: Option<String>,
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
}

/// The child's side: parses what its parent sends, or makes one attempt of the self-test.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    if let (Some(kind), Some(target)) = (&arguments.attempt, &arguments.target) {
        let attempt = Attempt::of_words(kind, target).context("no such attempt")?;
        std::process::exit(attempt.make_confined(arguments.parent));
    }
    ::parse::run_child(arguments.parent, std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(Outcome::Done)
}

/// Tries in a child process what none must be able to do. Each attempt is made here first: what fails for another reason
/// shows nothing.
pub(crate) fn self_test(settings: &Config) -> Result<Outcome> {
    let program = std::env::current_exe()?;
    let folder = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut attempts: Vec<Attempt> =
        ["/etc/passwd", "/proc/self/environ"].map(|path| Attempt::Read(PathBuf::from(path))).into();
    // An installation that has never been used has nothing to read.
    attempts.extend(Some(settings.data_dir.clone()).filter(|dir| dir.is_dir()).map(Attempt::Read));
    attempts.push(Attempt::Write(folder.path().join("written")));
    attempts.push(Attempt::Connect(listener.local_addr()?.to_string()));
    attempts.push(Attempt::Start(program.clone()));
    let mut all_prevented = true;
    for attempt in attempts {
        let is_prevented = match attempt.make() {
            Ok(()) => Some(attempt.is_prevented(&program)?),
            Err(_) => None,
        };
        let key = match is_prevented {
            Some(true) => "cli-self-test-prevented",
            Some(false) => "cli-self-test-possible",
            None => "cli-self-test-not-tried",
        };
        print_line(message!(key, attempt = description(&attempt)))?;
        all_prevented &= is_prevented == Some(true);
    }
    Ok(Outcome::of(all_prevented))
}

fn description(attempt: &Attempt) -> String {
    let (_, target) = attempt.words();
    match attempt {
        Attempt::Read(_) => message!("cli-self-test-read", target = target),
        Attempt::Write(_) => message!("cli-self-test-write", target = target),
        Attempt::Connect(_) => message!("cli-self-test-connect", target = target),
        Attempt::Start(_) => message!("cli-self-test-start", target = target),
    }
}
