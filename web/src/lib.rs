//! Serves the API and the chat page over HTTP.
//!
//! ```text
//! request --> server (bounds) --> envelope (id, errors) --> admission: guard (no other sites, no proxies), auth (the owner)
//!     --> routes: one handler a path --> `service`
//!     `-> api: every request and response type
//! ```
//!
//! A handler parses its request, calls one method of the crates below, and answers. Does not contain: SQL, vectors,
//! models, prompts, background work. The command line calls the same [`router`] in its own process.

mod admission;
pub mod api;
mod api_error;
mod auth;
mod envelope;
mod error_status;
mod extract;
mod form;
mod guard;
mod localized_text;
mod openapi;
mod rejection;
mod routes;
mod security_headers;
pub mod server;
mod sse;

pub use localized_text::LocalizedText;
pub use routes::{openapi, router};
