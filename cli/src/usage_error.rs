//! Says what is wrong with a command line, in the language of the environment. clap's own words are English only.

use std::error::Error as _;
use std::io::Write;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::messages::message;

/// Exit code of a process whose command line is wrong.
const WRONG_USAGE: i32 = 2;

/// Prints the error, or the help that was asked for, and ends the process.
pub(crate) fn exit(error: &Error) -> ! {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let mut lines = vec![message!("usage-error", message = explanation(error))];
    if let Some(suggestion) = suggestion(error) {
        lines.push(format!("  {}", message!("usage-similar", suggestion = suggestion)));
    }
    lines.push(message!("usage-more", command = "daedap --help"));
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", lines.join("\n\n"));
    std::process::exit(WRONG_USAGE)
}

fn explanation(error: &Error) -> String {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => message!("usage-missing-argument", arguments = argument),
        ErrorKind::MissingSubcommand => {
            message!("usage-missing-command", command = context(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument => message!("usage-unknown-argument", argument = argument),
        ErrorKind::InvalidSubcommand => {
            message!("usage-unknown-command", command = context(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidValue | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues
            if value.is_empty() =>
        {
            message!("usage-missing-value", argument = argument)
        }
        ErrorKind::TooManyValues => message!("usage-unexpected-value", value = value, argument = argument),
        ErrorKind::InvalidValue => message!("usage-invalid-value", value = value, argument = argument),
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            message!("usage-invalid-value-reason", value = value, argument = argument, reason = reason)
        }
        ErrorKind::ArgumentConflict => {
            message!("usage-conflict", argument = argument, others = context(error, ContextKind::PriorArg))
        }
        ErrorKind::InvalidUtf8 => message!("usage-not-utf8"),
        _ => error.kind().to_string(),
    }
}

fn suggestion(error: &Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    kinds.into_iter().map(|kind| context(error, kind)).find(|text| !text.is_empty())
}

/// What clap knows of the error; empty where it knows nothing of that kind.
fn context(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    }
}
