//! Resolves the paths that files name to the files that define them.

mod crates;
mod modules;
mod resolve;

pub(crate) use crates::{Import, imports};
pub(crate) use modules::is_facade;
