//! Runs daedap without HTTP and without a terminal: settings, wiring, background jobs, sources, indexes, backup and repair.
//!
//! ```text
//! config --> App: SQL, originals, fetcher        opened at once
//!             |-- knowledge(): index, retriever  opened when first needed
//!             `-- chat(): generator, engine      opened when first needed
//! Background: workers, sources, rebuild of the index, until it is stopped
//! ```
//!
//! `web` serves an [`App`] over HTTP, `cli` opens one in its own process. Does not contain HTTP statuses, request and
//! response types (`web`), arguments and tables (`cli`), SQL text (`db`).

mod abandoned_answers;
mod app;
mod background;
pub mod backup;
pub mod config;
mod database_lock;
pub mod doctor;
pub mod erasure;
pub mod evaluation;
mod generator;
pub mod indexes;
mod installation;
pub mod instance_lock;
mod jobs;
mod knowledge;
mod maintenance_lock;
pub mod model_files;
mod open_error;
mod open_files;
pub mod owner;
mod private_files;
mod readiness;
mod shutdown;
pub mod sources;
mod stores;
mod supervised;
mod workspace;

pub use app::{App, AppParts};
pub use background::{Background, Tasks};
pub use database_lock::DatabaseLockError;
pub use generator::engine_options;
pub use installation::InstallationError;
pub use knowledge::KnowledgeBase;
pub use maintenance_lock::Busy;
pub use open_error::OpenError;
pub use open_files::raise_open_files_limit;
pub use private_files::{keep_new_files_private, make_data_dir_private};
pub use readiness::{NotReady, Part};
pub use shutdown::stop_requested;
pub use stores::open_database;
pub use workspace::WORKSPACE;
