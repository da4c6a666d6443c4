//! Options that every command takes.

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE|ID")]
    pub(crate) model: Option<String>,
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) collection: Option<String>,
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Globals {
    /// The collection to write to or to measure: the named one, or the default one.
    pub(crate) fn named_collection(&self) -> &str {
        self.collection.as_deref().unwrap_or("default")
    }
}
