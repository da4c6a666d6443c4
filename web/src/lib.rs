//! Serves the API and the chat page over HTTP.
//!
//! ```text
//! request --> envelope (id, errors) --> guard (other sites stay out) --> routes: one handler a path --> `service`
//!                                                                    `-> api: every request and response type
//! ```
//!
//! A handler parses its request, calls one method of the crates below, and answers. Does not contain: SQL, vectors,
//! models, prompts, background work. The command line calls the same [`router`] in its own process.

pub mod api;
mod api_error;
mod envelope;
mod error_status;
mod extract;
mod guard;
mod localized_text;
mod openapi;
mod rejection;
mod routes;
pub mod server;
mod sse;

pub use localized_text::LocalizedText;
pub use routes::{openapi, router};
