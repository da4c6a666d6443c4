//! Model files: which there are ([`Catalog`]), getting them ([`Store`]), picking one
//! ([`choose_generator`]), and embedders that people bring themselves ([`EmbedderFolder`]).
//!
//! A model is its content hash; the places it can be had from are mirrors. Whatever the source, a file is on
//! disk under its final name only if its hash is the expected one.
//!
//! Layout: `<models dir>/<catalog id>/<file name>`, with a `receipt.json` beside the files that lets the next start
//! trust them without hashing them again; `<models dir>/.partial/` holds what is being downloaded.
//!
//! What is absent: nothing here opens a model. A file is bytes with a hash.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "in a test a panic is the report"))]

mod catalog;
mod choose;
mod download;
mod embedder_folder;
mod error;
mod hash;
mod http;
mod hugging_face;
mod install;
mod lock;
mod memory;
mod options;
mod progress;
mod pypi;
mod reachability;
mod receipt;
mod store;
mod wheel;

use std::path::PathBuf;

pub use catalog::{
    Catalog, CatalogError, EmbedderFacts, Entry, FileEntry, GeneratorFacts, HubFile, Kind, Pooling,
    RUNNABLE_ARCHITECTURES, RuntimeFacts, Source, WheelMember,
};
pub use choose::{Choice, NothingFits, Surroundings, choose_generator};
pub use embedder_folder::EmbedderFolder;
pub use error::ModelError;
pub use hash::Sha256Digest;
pub use memory::available_memory_bytes;
pub use options::{Patience, SourceOptions};
pub use progress::{Bars, Progress, Silent};
pub use reachability::Reachability;
pub use store::{InstalledModel, Store};

/// Where models are kept unless the configuration says otherwise: the user's cache, so that they outlive any data
/// directory and are shared by all of them. `None` where the user has no home.
pub fn default_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "daedap").map(|dirs| dirs.cache_dir().join("models"))
}
