//! Defines the events that a reader receives while an answer is written.

use std::collections::BTreeMap;

use domain::{Passage, Turn, Usage};

use crate::error::ChatError;

/// An event of an answer. `Done` or `Failed` comes last, unless the reader leaves.
#[derive(Debug)]
pub enum AnswerEvent {
    /// The request waits for the generator.
    Queued {
        /// Number of requests ahead of it.
        position: usize,
    },
    /// The passages that the answer may cite: `[1]` is the first.
    Sources(Vec<Passage>),
    /// More text.
    Delta(String),
    /// The answer is stored.
    Done(Box<CompletedAnswer>),
    /// The answer was interrupted; the partial text is stored.
    Failed(ChatError),
}

/// An answer as stored, with its usage and timings.
#[derive(Debug)]
pub struct CompletedAnswer {
    /// The stored turn.
    pub turn: Turn,
    /// Tokens used.
    pub usage: Usage,
    /// Milliseconds by stage.
    pub timings_ms: BTreeMap<String, f64>,
}
