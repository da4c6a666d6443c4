//! The command line. Each command has a file; this one holds what they share.

mod ask;
mod backup;
mod bench;
mod config;
mod doctor;
mod documents;
mod eval;
mod ingest;
mod jobs;
mod models;
mod narrow;
mod parse;
mod progress;
mod reindex;
mod remote;
mod restore;
mod sample;
mod search;
mod serve;
mod start;

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use domain::{CollectionId, Filter, Scope};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::app::{KnowledgeBase, WORKSPACE};
use crate::config::{Config, Overrides};

/// Answers questions from your documents, on your machine.
#[derive(Debug, Parser)]
#[command(name = "daedap", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// How long work that nobody waits for may go on at the end.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Globals {
    /// Settings file (`daedap config --default` prints one)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that holds database, vectors and originals
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Language model: a catalog id or a GGUF file
    #[arg(long, global = true, value_name = "FILE|ID")]
    model: Option<String>,
    /// Collection of documents to work on
    #[arg(long, global = true, value_name = "NAME")]
    collection: Option<String>,
    /// Report as one JSON object on standard output
    #[arg(long, global = true)]
    json: bool,
    /// Log more (-v, -vv)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Globals {
    /// The collection to write to or to measure, where one is needed and none may be named.
    fn named_collection(&self) -> &str {
        self.collection.as_deref().unwrap_or("default")
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Get models, load the sample documents the first time, and serve the chat page
    Start(serve::Listen),
    /// Serve, with models and documents as they are
    Serve(serve::Listen),
    /// Read files and folders into a collection
    Ingest(ingest::Arguments),
    /// Show documents and what they said before, bring that back, read originals again
    #[command(subcommand)]
    Documents(documents::Command),
    /// Show what became of uploads, call them off, try them again
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Show the passages that a question finds
    Search(search::Arguments),
    /// Answer a question in the terminal
    Ask(ask::Arguments),
    /// Measure retrieval and answers, on a question set or on a collection's own questions
    #[command(subcommand)]
    Eval(eval::Command),
    /// Measure speed
    #[command(subcommand)]
    Bench(bench::Command),
    /// List, get and check model files
    #[command(subcommand)]
    Models(models::Command),
    /// Build the vector index again, or with another embedder, from the stored texts
    Reindex(reindex::Arguments),
    /// Look whether database, vectors and originals agree, and mend them
    Doctor(doctor::Arguments),
    /// Write everything into one file, also while a server answers
    Backup(backup::Arguments),
    /// Put a backup into an empty data directory
    Restore(restore::Arguments),
    /// Print the settings in effect
    Config(config::Arguments),
    /// Read the document on standard input
    #[command(name = ::ingest::PARSE_COMMAND, hide = true)]
    Parse(parse::Arguments),
}

/// How a command ended; errors that stop it altogether are `Err`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    SomeFailed,
}

/// Runs the command line of this process. Called once, before there is any other thread.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.globals.verbose);
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            // A reader that closed standard error leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "daedap: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(cli: Cli) -> Result<Outcome> {
    let Cli { globals, command } = cli;
    if let Command::Config(arguments) = &command
        && arguments.default
    {
        return config::print_default();
    }
    if let Command::Parse(arguments) = &command {
        return parse::run(arguments);
    }
    let config = Config::load(&overrides(&globals, &command), std::env::vars())?;
    if let Some(threads) = NonZeroUsize::new(config.generator.threads) {
        // SAFETY: the runtime, whose threads are the first besides this one, is built below.
        unsafe { llm::set_compute_threads(threads) };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(dispatch(config, &globals, command));
    // A document that nobody waits for any more may be read for minutes.
    runtime.shutdown_timeout(LEFT_BEHIND);
    outcome
}

fn overrides(globals: &Globals, command: &Command) -> Overrides {
    let listen = match command {
        Command::Start(listen) | Command::Serve(listen) => listen.listen.clone(),
        _ => None,
    };
    Overrides {
        file: globals.config.clone(),
        data_dir: globals.data_dir.clone(),
        model: globals.model.clone(),
        listen,
        threads: match command {
            Command::Bench(command) => command.threads(),
            _ => None,
        },
    }
}

async fn dispatch(config: Config, globals: &Globals, command: Command) -> Result<Outcome> {
    match command {
        Command::Start(_) => start::run(config).await,
        Command::Serve(_) => serve::run(config).await,
        Command::Ingest(arguments) => ingest::run(config, globals, arguments).await,
        Command::Documents(command) => documents::run(config, globals, command).await,
        Command::Jobs(command) => jobs::run(config, globals, command).await,
        Command::Search(arguments) => search::run(config, globals, arguments).await,
        Command::Ask(arguments) => ask::run(config, globals, arguments).await,
        Command::Eval(command) => eval::run(config, globals, command).await,
        Command::Bench(command) => bench::run(config, globals, command).await,
        Command::Models(command) => models::run(config, globals, command).await,
        Command::Reindex(arguments) => reindex::run(config, globals, arguments).await,
        Command::Doctor(arguments) => doctor::run(config, globals, arguments).await,
        Command::Backup(arguments) => backup::run(config, globals, arguments).await,
        Command::Restore(arguments) => restore::run(config, globals, arguments).await,
        Command::Config(_) => config::print(&config),
        Command::Parse(arguments) => parse::run(&arguments),
    }
}

/// Logs go to standard error; standard output is for results. `RUST_LOG` overrides `-v`.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        // The embedded engine warns of flags that only its own server sets.
        0 => "warn,web=info,chat=info,qdrant_edge=error",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// Prints a report as one JSON object.
fn print_json(report: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)?;
    Ok(())
}

/// The collection of that name where one is named, else all of them, within the filter.
async fn scope(knowledge: &KnowledgeBase, name: Option<&str>, filter: Filter) -> Result<Scope> {
    let named: Vec<CollectionId> =
        name.map(|name| CollectionId::derive(WORKSPACE, name)).into_iter().collect();
    Ok(knowledge.db.scope(WORKSPACE, &named, filter).await?)
}
