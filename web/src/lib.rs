//! The service around the rooms: configuration, wiring, HTTP and the command line of the binary `daedap`.
//!
//! Only this crate sees all the others, and none sees it. What is absent: SQL, vectors, models and prompts; a handler
//! reads its request, calls one room, and answers.

pub mod app;
pub mod archive;
pub mod changes;
pub mod cli;
pub mod config;
pub mod envelope;
pub mod error;
pub mod evaluation;
pub mod extract;
pub mod filter;
pub mod guard;
pub mod installation;
pub mod instance;
pub mod model_files;
pub mod routes;
pub mod server;
pub mod sources;
pub mod sse;
pub mod unpack;
pub mod worker;
