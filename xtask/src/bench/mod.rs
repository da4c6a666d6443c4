//! `cargo xtask bench engine|ingest`: measures daedap and its usual alternative in turn, and writes BENCHMARKS.md.
//!
//! In a round the two run one right after the other, so that load from other processes hits both. Figures are medians
//! over the rounds; the ratio is the median of the rounds' ratios, daedap's figure over the other's.

mod command;
mod comparison;
mod crowd;
mod engine;
mod ingest;
mod llama_server;
mod report;
mod run_program;

pub(crate) use command::{Bench, run};
