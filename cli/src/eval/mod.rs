//! `daedap eval`: measures retrieval and answers, on datasets and on a collection's own questions.

mod answers;
mod asking;
mod command;
mod export;
mod figures;
mod import;
mod retrieval;
mod run;
mod runs;
pub(crate) mod scratch;
mod share;
mod threshold;

pub(crate) use command::{Command, run};
