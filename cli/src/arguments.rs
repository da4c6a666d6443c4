//! All arguments of the command line. The texts of `--help` are in the catalogue; `help` puts them in.

use clap::{Args, Parser, Subcommand};
use service::config::Overrides;

use crate::globals::Globals;
use crate::{
    ask, backup, bench, config, doctor, documents, eval, ingest, jobs, models, parse, reindex, restore,
    search,
};

#[derive(Debug, Parser)]
#[command(name = "daedap", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Start(Listen),
    Serve(Listen),
    Ingest(ingest::Arguments),
    #[command(subcommand)]
    Documents(documents::Command),
    #[command(subcommand)]
    Jobs(jobs::Command),
    Search(search::Arguments),
    Ask(ask::Arguments),
    #[command(subcommand)]
    Eval(eval::Command),
    #[command(subcommand)]
    Bench(bench::Command),
    #[command(subcommand)]
    Models(models::Command),
    Reindex(reindex::Arguments),
    Doctor(doctor::Arguments),
    Backup(backup::Arguments),
    Restore(restore::Arguments),
    Login,
    Config(config::Arguments),
    /// Runs in the child processes that parse; not for people, except for its self-test.
    #[command(name = ::parse::PARSE_COMMAND, hide = true)]
    Parse(parse::Arguments),
}

/// What `serve` and `start` take.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

impl Cli {
    /// The settings that the command line overrides.
    pub(crate) fn overrides(&self) -> Overrides {
        let Globals { config, data_dir, model, .. } = self.globals.clone();
        let (listen, threads) = match &self.command {
            Command::Start(arguments) | Command::Serve(arguments) => (arguments.listen.clone(), None),
            Command::Bench(command) => (None, command.threads()),
            _ => (None, None),
        };
        Overrides { file: config, data_dir, model, listen, threads }
    }
}
