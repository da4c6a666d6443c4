//! The engine's thread: takes requests from the queue and answers them together, one step at a time.
//!
//! A step computes one token for each answer that is being written, and a piece of the prompts that are being read:
//! a small one while others wait for their next token, a large one while nobody does. Between two steps it looks
//! whether a reader has gone, the time is up, or the engine is to end. It alone touches the model.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::{FinishReason, GenerateError, GenerationEvent};

use crate::answer::{Answer, Next};
use crate::cache::{Lease, PrefixTree};
use crate::decoder::Part;
use crate::model::Model;
use crate::queue::{Queue, shutting_down};
use crate::vocabulary::Vocabulary;

/// What the engine's thread owns.
pub(crate) struct Worker {
    model: Model,
    tree: PrefixTree,
    vocabulary: Arc<Vocabulary>,
    queue: Arc<Queue>,
    /// Requests that have a place, the longest here first.
    running: Vec<Running>,
}

/// A request that has a place.
struct Running {
    answer: Answer,
    lease: Lease,
    /// The prompt, and what was written after it.
    tokens: Vec<u32>,
    /// How many of the tokens have their keys and values in the store.
    computed: usize,
}

impl Running {
    /// Whether its next token needs nothing but the one before.
    fn writes(&self) -> bool {
        self.tokens.len() - self.computed == 1
    }
}

/// How a request leaves its place.
enum End {
    Done(FinishReason),
    /// Nobody reads it any more.
    Abandoned,
    Failed(GenerateError),
}

/// However the thread ends, nobody waits for it in vain.
impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Worker {
    /// A worker for a model that has room for `blocks` blocks of tokens.
    pub(crate) fn new(model: Model, vocabulary: Arc<Vocabulary>, queue: Arc<Queue>, blocks: usize) -> Self {
        Self { model, tree: PrefixTree::new(blocks), vocabulary, queue, running: Vec::new() }
    }

    /// Answers requests until the queue is closed.
    pub(crate) fn run(mut self) {
        loop {
            self.admit();
            let open = if self.running.is_empty() { self.queue.wait() } else { self.queue.sweep() };
            let ends = self.running.iter().map(|running| running.cut_short(open)).collect();
            self.end(ends);
            if !open {
                return;
            }
            self.step();
        }
    }

    /// Gives places to those who wait, as long as there are places and blocks.
    fn admit(&mut self) {
        let tree = &mut self.tree;
        while let Some((job, lease)) = self.queue.take(|job| tree.lease(&job.prompt, job.most_tokens())) {
            let tokens = job.prompt.clone();
            let mut answer = Answer::new(job, self.vocabulary.kind);
            let computed = lease.shared_tokens();
            answer.usage.cached_tokens = computed;
            self.running.push(Running { answer, lease, tokens, computed });
        }
    }

    /// Computes the next tokens of everyone who has a turn, and lets them choose what follows.
    fn step(&mut self) {
        let counts = self.shares();
        let parts: Vec<Part<'_>> =
            self.running.iter().zip(&counts).filter_map(|(running, &count)| running.part(count)).collect();
        if parts.is_empty() {
            return;
        }
        let model = &mut self.model;
        let ends = match caught(|| model.forward(&parts)) {
            Ok(logits) => self.go_on(&counts, logits),
            Err(reason) => {
                tracing::error!(reason, "a step of the engine failed");
                let failed = || End::Failed(GenerateError::Failed(reason.clone()));
                counts.iter().map(|&count| (count > 0).then(failed)).collect()
            }
        };
        self.end(ends);
    }

    /// How many tokens of each request the next step computes.
    fn shares(&mut self) -> Vec<usize> {
        let anyone_writes = self.running.iter().any(Running::writes);
        let mut prompt_tokens = self.model.prompt_tokens(anyone_writes);
        let mut counts = Vec::with_capacity(self.running.len());
        for running in &mut self.running {
            let begins = running.computed == running.lease.shared_tokens();
            if prompt_tokens > 0 && begins && self.model.remembers() {
                self.tree.adopt(&mut running.lease, &running.tokens);
                running.answer.usage.cached_tokens += running.lease.shared_tokens() - running.computed;
                running.computed = running.lease.shared_tokens();
            }
            let count = if running.writes() {
                1
            } else {
                let left = prompt_tokens.min(running.tokens.len() - running.computed);
                let count = self.model.step_tokens(running.computed, left);
                prompt_tokens -= count;
                count
            };
            counts.push(count);
        }
        counts
    }

    /// Takes note of what a step computed. Returns who ends with it.
    fn go_on(&mut self, counts: &[usize], logits: Vec<Vec<f32>>) -> Vec<Option<End>> {
        let mut logits = logits.into_iter();
        let mut ends = Vec::with_capacity(counts.len());
        for (running, &count) in self.running.iter_mut().zip(counts) {
            running.computed += count;
            if self.model.remembers() {
                self.tree.share(&mut running.lease, &running.tokens[..running.computed]);
            }
            let is_complete = count > 0 && running.computed == running.tokens.len();
            let next = if is_complete { logits.next() } else { None };
            ends.push(next.and_then(
                |mut logits| match running.answer.choose(&mut logits, &self.vocabulary) {
                    Ok(Next::Token(token)) => {
                        running.tokens.push(token);
                        None
                    }
                    Ok(Next::End(reason)) => Some(End::Done(reason)),
                    Err(error) => Some(End::Failed(error)),
                },
            ));
        }
        ends
    }

    /// Takes their places from those who have an end.
    fn end(&mut self, ends: Vec<Option<End>>) {
        let mut staying = Vec::with_capacity(self.running.len());
        for (mut running, end) in std::mem::take(&mut self.running).into_iter().zip(ends) {
            let Some(end) = end else {
                staying.push(running);
                continue;
            };
            self.tree.release(running.lease);
            if matches!(end, End::Done(_)) {
                running.answer.flush();
            }
            // First the place, then the news: who hears of the end and asks again must find the engine free.
            self.queue.finish();
            match end {
                End::Done(finish_reason) => {
                    let usage = running.answer.usage;
                    running.answer.job.send(Ok(GenerationEvent::Done { finish_reason, usage }));
                }
                End::Failed(error) => running.answer.job.send(Err(error)),
                End::Abandoned => tracing::debug!("a reader went away; its answer is dropped"),
            }
        }
        self.running = staying;
    }
}

impl Running {
    /// The end of a request that is not to be computed any further.
    fn cut_short(&self, open: bool) -> Option<End> {
        let job = &self.answer.job;
        if job.is_abandoned() {
            return Some(End::Abandoned);
        }
        if !open {
            return Some(End::Failed(shutting_down()));
        }
        if job.is_late() {
            return Some(End::Failed(GenerateError::DeadlineExceeded));
        }
        (job.max_tokens == 0).then_some(End::Done(FinishReason::Length))
    }

    /// What a step that computes `count` more tokens has to know.
    fn part(&self, count: usize) -> Option<Part<'_>> {
        let end = self.computed + count;
        (count > 0).then(|| Part {
            tokens: &self.tokens[self.computed..end],
            position: self.computed,
            blocks: self.lease.blocks(),
            logits: usize::from(end == self.tokens.len()),
        })
    }
}

/// Runs `step`; a panic in it is an error like others, so that a bug in one answer does not end the service.
pub(crate) fn caught<T>(step: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("the model panicked: {message}"))
    })
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(caught::<()>(|| panic!("row {}", 7)), Err("the model panicked: row 7".to_owned()));
        assert_eq!(caught(|| Ok(1)), Ok(1));
    }
}
