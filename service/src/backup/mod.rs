//! Backs an installation up into one file, and restores it from there.

mod create;
pub mod format;
mod restore;

pub use create::{BackupError, BackupSource};
pub use restore::{RestoreReport, restore};
