//! Prints results: one JSON object, or text for people, on standard output.

use std::fmt::Display;
use std::io::Write;

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::ASCII_FULL_CONDENSED;
use serde::Serialize;

use crate::messages::message;

/// How a command ended; errors that stop it altogether are `Err`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was done.
    Done,
    /// Some items failed.
    SomeFailed,
}

impl Outcome {
    /// `Done` if all is well.
    pub(crate) fn of(all_is_well: bool) -> Self {
        if all_is_well { Self::Done } else { Self::SomeFailed }
    }
}

/// Prints a result as one JSON object.
pub(crate) fn print_json(result: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, result)?;
    writeln!(out)?;
    Ok(())
}

/// Prints a line.
pub(crate) fn print_line(line: impl Display) -> Result<()> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// A table whose columns have the headers `cli-column-…`.
pub(crate) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED);
    table.set_header(columns.iter().map(|column| message!(&format!("cli-column-{column}"))));
    table
}
