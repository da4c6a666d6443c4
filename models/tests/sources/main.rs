//! Getting models from real servers: ones on this machine that misbehave on demand, and the public ones.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod hugging_face;
mod install;
mod network;
mod server;
