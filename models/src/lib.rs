//! Lists models ([`Catalog`]), downloads and verifies their files ([`Store`]), chooses a generator
//! ([`choose_generator`]) and reads embedders that users supply ([`EmbedderFolder`]).
//!
//! A model is identified by its content hash; its sources are mirrors. Whatever the source, a file gets its final name
//! only if its hash is the expected one.
//!
//! Layout: `<models dir>/<catalog id>/<file name>`, with a `receipt.json` beside the files that lets the next start
//! trust them without hashing them again; `<models dir>/.partial/` holds unfinished downloads.
//!
//! Nothing here loads a model. A file is bytes with a hash.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "in a test a panic is the report"))]

mod blocking;
mod catalog;
mod choose;
mod default_dir;
mod download;
mod embedder_folder;
mod entry;
mod entry_rules;
mod error;
mod hash;
mod http;
mod hugging_face;
mod install;
mod lock;
mod memory;
mod options;
mod package_index;
mod progress;
mod pypi;
mod reachability;
mod receipt;
mod source_error;
mod store;
mod wheel;

pub use catalog::{Catalog, CatalogError};
pub use choose::{Choice, ChooseError, Constraints, Origin, choose_generator};
pub use default_dir::default_dir;
pub use embedder_folder::EmbedderFolder;
pub use entry::{
    EmbedderFacts, Entry, FileEntry, GeneratorFacts, HubFile, Kind, Pooling, RUNNABLE_ARCHITECTURES,
    RuntimeFacts, Source, WheelMember,
};
pub use error::ModelError;
pub use memory::available_memory_bytes;
pub use options::{RetryPolicy, SourceOptions};
pub use progress::{NoProgress, Notice, Progress};
pub use reachability::Reachability;
pub use store::{InstalledModel, Store};
