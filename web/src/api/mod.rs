//! Every request and response of the API, once: what handlers answer with, what the command line reads, what
//! `/openapi.json` describes.
//!
//! A type here mirrors one of `domain` or of another crate and says how it looks in JSON. A request has all its fields
//! public, so that a client can write it. Nothing here knows HTTP: no status, no header, no handler.

pub mod collections;
pub mod conversations;
pub mod doctor;
pub mod documents;
pub mod errors;
pub mod evaluation;
pub mod events;
pub mod feedback;
pub mod filter;
pub mod ingest_report;
pub mod jobs;
pub mod login;
pub mod messages;
pub mod reindex;
pub mod search;
pub mod sites;
pub mod status;
pub mod versions;
