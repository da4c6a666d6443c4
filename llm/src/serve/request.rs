//! A request, ready to compute.

use std::time::Instant;

use domain::{GenerateError, GenerationEvent, Sampling, Ticket};
use tokio::sync::mpsc::UnboundedSender;

use crate::serve::sampling::TokenMask;

/// The engine's end of an answer's stream.
pub(crate) type EventSender = UnboundedSender<Result<GenerationEvent, GenerateError>>;

/// A request, ready to compute.
pub(crate) struct Request {
    /// Tokens of the prompt; at least one.
    pub(crate) prompt: Vec<u32>,
    pub(crate) sampling: Sampling,
    /// Which tokens may be sampled; `None` for all.
    pub(crate) mask: Option<TokenMask>,
    /// Maximum tokens of the answer.
    pub(crate) max_tokens: usize,
    /// Sequences that end the answer.
    pub(crate) stop: Vec<String>,
    /// `None` if it is beyond what the clock counts.
    pub(crate) deadline: Option<Instant>,
    /// Unbounded, because the engine does not wait for readers; an answer is bounded by its tokens.
    pub(crate) events: EventSender,
    /// The queue position that the reader was last told.
    pub(crate) reported_position: usize,
    /// The right to be queued or computed; given back before the last event.
    pub(crate) ticket: Option<Ticket>,
}

impl Request {
    /// Sends an event to the reader. A reader that is gone is noticed by [`Self::is_abandoned`].
    pub(crate) fn send(&self, event: Result<GenerationEvent, GenerateError>) {
        let _ = self.events.send(event);
    }

    /// Gives the ticket back and sends the last event: a reader that asks again after it must find room.
    pub(crate) fn finish(&mut self, last: Result<GenerationEvent, GenerateError>) {
        self.ticket = None;
        self.send(last);
    }

    /// Maximum tokens of prompt and answer together.
    pub(crate) fn total_tokens(&self) -> usize {
        self.prompt.len().saturating_add(self.max_tokens)
    }

    /// Whether the reader is gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.events.is_closed()
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_expired(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The error of requests that are pending when the engine shuts down, and of later ones.
pub(crate) fn shutting_down() -> GenerateError {
    GenerateError::Unavailable("the engine is shutting down".into())
}
