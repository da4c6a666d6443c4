//! The harness of the test suites in `tests/tests`: it finds the real parts, starts them and takes them away again.
//!
//! Does not contain stand-ins. The suites drive the built `daedap` binary over HTTP, a real Chromium, a real PostgreSQL and
//! the real small models. Functions here panic when a part that is there does not work: in a test that is the report.

pub mod archive;
pub mod browser;
pub mod cable;
pub mod daedap;
pub mod environment;
pub mod eventually;
pub mod postgres;
pub mod server;
pub mod sse;
pub mod story;
