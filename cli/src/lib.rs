//! The command line: a client of the API, over HTTP where a server holds the data directory, in this process where none does.
//!
//! ```text
//! arguments --> a command --> Client --+--> HTTP on loopback --------> a running server
//!                                      `--> web::router in this process, over a service::App of its own
//! ```
//!
//! Each command is one file and one path. What makes sense only without a server (`start`, `serve`, `restore`, `models`,
//! `config`, `bench`, measuring a dataset) uses `service` directly. Texts come from the catalogue (`locales`).

mod arguments;
mod ask;
mod backup;
mod bench;
mod client;
mod config;
mod doctor;
mod documents;
mod download_bars;
mod eval;
mod filter_args;
mod globals;
mod help;
mod ingest;
mod jobs;
mod log;
mod login;
mod messages;
mod models;
mod output;
mod parse;
mod progress;
mod reindex;
mod restore;
mod run;
mod sample;
mod search;
mod serve;
mod start;
mod sync;
mod usage_error;
mod value_parsers;

pub use run::main;
