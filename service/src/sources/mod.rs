//! Keeps collections in sync with the folders and web sites that the settings name.

mod file_watcher;
pub(crate) mod sync;

pub use file_watcher::FileWatcher;
