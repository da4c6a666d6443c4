//! Says what is wrong with a command line, in the language of the environment. clap's own words are English only.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::Write;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use crate::messages::message;

/// Exit code of a process whose command line is wrong.
const WRONG_USAGE: i32 = 2;

/// Prints the error, or the help that was asked for, and ends the process. `root` is the command line that the error is
/// about, with its texts.
pub(crate) fn exit(error: &Error, root: &Command) -> ! {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let command = called(root, std::env::args_os().skip(1));
    let mut paragraphs = vec![message!("usage-error", message = explanation(error))];
    paragraphs.extend(hints(error));
    paragraphs.push(usage(command));
    let name = command.get_bin_name().unwrap_or("daedap");
    paragraphs.push(message!("usage-more", command = format!("{name} --help")));
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", paragraphs.join("\n\n"));
    std::process::exit(WRONG_USAGE)
}

/// The command that the arguments name, as far as they name one, also behind `help`.
fn called(root: &Command, arguments: impl Iterator<Item = OsString>) -> &Command {
    arguments
        .filter(|name| name != "help")
        .fold(root, |command, name| command.find_subcommand(name).unwrap_or(command))
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    format!("{}: {}", message!("help-heading-usage"), usage.trim_start_matches("Usage: "))
}

fn explanation(error: &Error) -> String {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    let command = context(error, ContextKind::InvalidSubcommand);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let count = texts(error, ContextKind::InvalidArg).len();
            let arguments = quoted(error, ContextKind::InvalidArg);
            message!("usage-missing-argument", count = count, arguments = arguments)
        }
        ErrorKind::MissingSubcommand => message!("usage-missing-command", command = command),
        ErrorKind::UnknownArgument => message!("usage-unknown-argument", argument = argument),
        ErrorKind::InvalidSubcommand => message!("usage-unknown-command", command = command),
        ErrorKind::InvalidValue | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues
            if value.is_empty() =>
        {
            message!("usage-missing-value", argument = argument)
        }
        ErrorKind::TooManyValues => message!("usage-unexpected-value", value = value, argument = argument),
        ErrorKind::InvalidValue => message!("usage-invalid-value", value = value, argument = argument),
        ErrorKind::ValueValidation => {
            message!("usage-invalid-value-reason", value = value, argument = argument, reason = reason(error))
        }
        ErrorKind::ArgumentConflict => conflict(error, &argument),
        ErrorKind::InvalidUtf8 => message!("usage-not-utf8"),
        _ => error.kind().to_string(),
    }
}

fn conflict(error: &Error, argument: &str) -> String {
    if context(error, ContextKind::PriorArg) == argument {
        return message!("usage-repeated", argument = argument);
    }
    message!("usage-conflict", argument = argument, others = quoted(error, ContextKind::PriorArg))
}

/// Why a value is invalid. Parsers of our own say it in the right language; those of clap do not.
fn reason(error: &Error) -> String {
    let Some(source) = error.source() else { return String::new() };
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::Zero => message!("usage-zero"),
            _ => message!("usage-not-a-number"),
        };
    }
    let text = source.to_string();
    let range = text.split_once(" is not in ").and_then(|(_, range)| range.split_once("..="));
    range.map_or(text.clone(), |(min, max)| message!("usage-not-in-range", min = min, max = max))
}

/// What would be right: the most similar name, and the values that there are.
fn hints(error: &Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    // The last of several is the most similar one.
    let similar = kinds.into_iter().find_map(|kind| texts(error, kind).pop());
    let similar = similar.map(|similar| message!("usage-similar", suggestion = similar));
    let possible = Some(context(error, ContextKind::ValidValue)).filter(|values| !values.is_empty());
    let possible = possible.map(|values| message!("help-possible-values", values = values));
    let lines: Vec<String> = similar.into_iter().chain(possible).map(|line| format!("  {line}")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What clap knows of the error; empty where it knows nothing of that kind.
fn context(error: &Error, kind: ContextKind) -> String {
    texts(error, kind).join(", ")
}

/// What clap knows of the error, each part of it in backticks.
fn quoted(error: &Error, kind: ContextKind) -> String {
    texts(error, kind).iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn texts(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        _ => Vec::new(),
    }
}
