//! Names the folder that models are kept in by default.

use std::path::PathBuf;

/// The models directory unless the configuration names another: in the user's cache, so that models outlive any data
/// directory and all data directories share them. `None` where the user has no home.
pub fn default_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "daedap").map(|dirs| dirs.cache_dir().join("models"))
}
