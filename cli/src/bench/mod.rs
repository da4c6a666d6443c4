//! `daedap bench`: measures how fast this machine is.

mod command;
mod ingest;
mod llm;
mod memory;

pub(crate) use command::{Command, run};
