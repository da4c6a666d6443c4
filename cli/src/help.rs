//! Puts the texts of the catalogue into clap: the help of commands and arguments, and its headings.
//!
//! The key of a text follows from where it belongs: `help-jobs-list` for a command, `help-jobs-list-state` for its argument,
//! `help-global-json` for a global option. A test finds what has no text.

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};

use crate::arguments::Cli;
use crate::messages::message;
use crate::usage_error;

/// Keys of the texts of global options.
const GLOBAL_OPTIONS: &str = "help-global";

/// Global options come after those of the command itself, and `--help` and `--version` come last.
const GLOBAL_OPTIONS_ORDER: usize = 500;
const LAST: usize = 1_000;

/// The command line of this process. Ends the process where that asks for help, or is wrong (exit code 2).
pub(crate) fn parse() -> Cli {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| usage_error::exit(&error, &command))
}

/// All commands with their texts in the language of the environment.
pub(crate) fn command() -> Command {
    let root = Cli::command().about(message!("help-daedap")).version(env!("CARGO_PKG_VERSION"));
    let version = own_flag("version", 'V', ArgAction::Version, message!("help-print-version"));
    let mut command = with_texts(root, "help", GLOBAL_OPTIONS).disable_version_flag(true).arg(version);
    // clap adds `help` to every command that has others, here.
    command.build();
    with_help_command_texts(command)
}

/// Sets the texts of a command, of its arguments and of all commands below it.
fn with_texts(command: Command, key: &str, arguments_key: &str) -> Command {
    let help = own_flag("help", 'h', ArgAction::Help, message!("help-print-help"));
    let usage = message!("help-heading-usage");
    let mut order = if arguments_key == GLOBAL_OPTIONS { GLOBAL_OPTIONS_ORDER } else { 0 };
    command
        .help_template(format!("{{about-with-newline}}\n{usage}: {{usage}}\n\n{{all-args}}"))
        .subcommand_help_heading(message!("help-heading-commands"))
        .mut_args(|argument| {
            order += 1;
            with_text(argument, arguments_key, order)
        })
        .disable_help_flag(true)
        .arg(help)
        .mut_subcommands(|command| {
            let key = format!("{key}-{}", command.get_name());
            let about = message!(&key);
            with_texts(command.about(about), &key, &key)
        })
}

fn own_flag(name: &'static str, short: char, action: ArgAction, help: String) -> Arg {
    let heading = message!("help-heading-options");
    Arg::new(name).short(short).long(name).action(action).help(help).help_heading(heading).display_order(LAST)
}

/// Sets the text of an argument, with its default and its possible values, which clap names in English only.
fn with_text(argument: Arg, key: &str, order: usize) -> Arg {
    let text = message!(&format!("{key}-{}", argument.get_id().as_str().replace('_', "-")));
    let heading = if argument.is_positional() { "help-heading-arguments" } else { "help-heading-options" };
    let argument = argument.help_heading(message!(heading)).display_order(order);
    if !argument.get_action().takes_values() {
        return argument.help(text);
    }
    let help = StyledStr::from(text + &default_of(&argument) + &possible_values_of(&argument));
    argument.help(help).hide_default_value(true).hide_possible_values(true)
}

fn default_of(argument: &Arg) -> String {
    let values: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if values.is_empty() {
        return String::new();
    }
    format!(" [{}]", message!("help-default", value = values.join(" ")))
}

fn possible_values_of(argument: &Arg) -> String {
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if values.is_empty() {
        return String::new();
    }
    format!(" [{}]", message!("help-possible-values", values = values.join(", ")))
}

fn with_help_command_texts(command: Command) -> Command {
    command.mut_subcommands(|command| match command.get_name() {
        "help" => command.about(message!("help-print-command-help")),
        _ => with_help_command_texts(command),
    })
}
