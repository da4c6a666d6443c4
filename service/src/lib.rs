//! What runs: settings, wiring, background jobs, sources, backup, evaluation and the doctor.
//!
//! No HTTP and no terminal: `web` and `cli` come to it, and it knows neither.

mod app;
pub mod backup;
pub mod config;
pub mod doctor;
pub mod evaluation;
pub mod indexes;
mod installation;
mod instance_lock;
pub mod jobs;
pub mod model_files;
pub mod sources;
