//! Runs the command line of a process: reads it, loads the settings, dispatches, and turns the outcome into an exit code.

use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use service::config::Config;

use crate::arguments::{Cli, Command};
use crate::globals::Globals;
use crate::messages::message;
use crate::output::Outcome;
use crate::{
    ask, backup, bench, config, doctor, documents, eval, help, ingest, jobs, log, login, models, parse,
    reindex, restore, search, serve, start,
};

/// How long work that nobody waits for may continue at the end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs the command line of this process. Called once, before there is any other thread.
///
/// Exit codes: 0 done, 1 something failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = help::parse();
    let serves = matches!(cli.command, Command::Start(_) | Command::Serve(_));
    log::to_stderr(cli.globals.verbose, serves);
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(
                std::io::stderr(),
                "{}",
                message!("cli-error", message = domain::with_causes(&*error))
            );
            ExitCode::from(1)
        }
    }
}

fn run(cli: Cli) -> Result<Outcome> {
    match &cli.command {
        Command::Config(arguments) if arguments.default => return config::print_default(),
        Command::Parse(arguments) if !arguments.self_test => return parse::run(arguments),
        _ => {}
    }
    // Models are no secret, and several users may share them.
    if !matches!(cli.command, Command::Models(_)) {
        service::keep_new_files_private();
    }
    let settings = Config::load(&cli.overrides(), std::env::vars_os())?;
    if let Some(threads) = NonZeroUsize::new(settings.generator.threads) {
        // SAFETY: the runtime, whose threads are the first besides this one, is built below.
        unsafe { llm::set_compute_threads(threads) };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(dispatch(settings, &cli.globals, cli.command));
    // A document that nobody waits for any more may take minutes to parse.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    outcome
}

async fn dispatch(settings: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::Start(_) => start::run(settings).await,
        Command::Serve(_) => serve::run(settings).await,
        Command::Ingest(arguments) => ingest::run(&settings, globals, arguments).await,
        Command::Documents(command) => documents::run(&settings, globals, command).await,
        Command::Jobs(command) => jobs::run(&settings, globals, command).await,
        Command::Search(arguments) => search::run(&settings, globals, arguments).await,
        Command::Ask(arguments) => ask::run(&settings, globals, arguments).await,
        Command::Eval(command) => eval::run(settings, globals, command).await,
        Command::Bench(command) => bench::run(settings, globals, command).await,
        Command::Models(command) => models::run(&settings, globals, command).await,
        Command::Reindex(arguments) => reindex::run(&settings, globals, arguments).await,
        Command::Doctor(arguments) => doctor::run(&settings, globals, arguments).await,
        Command::Backup(arguments) => backup::run(&settings, globals, arguments).await,
        Command::Login => login::run(&settings, globals).await,
        Command::Restore(arguments) => restore::run(&settings, globals, arguments).await,
        Command::Config(_) => config::print(&settings),
        Command::Parse(_) => parse::self_test(&settings),
    }
}
