//! Downloads models from real HTTP servers: local ones with faults on demand, and the public ones.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod hugging_face;
mod install;
mod network;
mod server;
