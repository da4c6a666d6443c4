//! The engine's thread: admits requests to the batch, and computes the batch step by step.
//!
//! A step decodes one token of each answer, and prefills a part of the prompts: a small part while answers wait for
//! their next token, a large one otherwise. Between two steps it ends requests whose reader is gone or whose deadline
//! has passed, and all of them when the engine shuts down. This thread alone touches the model. A panic costs the requests
//! in the batch and the cached prefixes, not the thread.

use std::sync::Arc;

use domain::{Cause, FinishReason, GenerateError, GenerationEvent};

use crate::catch_panic::catch_panic;
use crate::kv_cache::prefix_tree::{BlockTable, PrefixTree};
use crate::model::batch::SequenceTokens;
use crate::model::loaded_model::LoadedModel;
use crate::serve::answer::{Answer, Next};
use crate::serve::request::shutting_down;
use crate::serve::scheduler::Scheduler;
use crate::text::vocabulary::Vocabulary;

/// The thread ends after this many panics in a row that no request was the cause of: it would do nothing else.
const MAX_PANICS_IN_A_ROW: usize = 3;

/// What the engine's thread owns.
pub(crate) struct BatchLoop {
    model: LoadedModel,
    /// Number of KV blocks.
    blocks: usize,
    prefix_tree: PrefixTree,
    vocabulary: Arc<Vocabulary>,
    scheduler: Arc<Scheduler>,
    /// Admitted requests, the oldest first.
    running: Vec<Sequence>,
}

/// An admitted request.
struct Sequence {
    answer: Answer,
    blocks: BlockTable,
    /// The prompt, and the answer so far.
    tokens: Vec<u32>,
    /// How many of the tokens have their keys and values in the KV cache.
    computed: usize,
    /// Whether its prefix is to be forgotten when it ends.
    forgets: bool,
}

/// How a request ends.
enum End {
    Done(FinishReason),
    /// The reader is gone.
    Abandoned,
    Failed(GenerateError),
}

/// However the thread ends, no request waits for it in vain.
impl Drop for BatchLoop {
    fn drop(&mut self) {
        self.scheduler.close();
    }
}

impl BatchLoop {
    /// The loop of a model that has `blocks` KV blocks.
    pub(crate) fn new(
        model: LoadedModel,
        vocabulary: Arc<Vocabulary>,
        scheduler: Arc<Scheduler>,
        blocks: usize,
    ) -> Self {
        let prefix_tree = PrefixTree::new(blocks);
        Self { model, blocks, prefix_tree, vocabulary, scheduler, running: Vec::new() }
    }

    /// Answers requests until the scheduler is closed; starts over after a panic.
    pub(crate) fn run(mut self) {
        let mut panics = 0;
        while panics < MAX_PANICS_IN_A_ROW {
            let served = catch_panic(|| {
                self.serve();
                Ok(())
            });
            let Err(reason) = served else { return };
            tracing::error!(%reason, "the engine failed and starts over");
            panics = if self.running.is_empty() { panics + 1 } else { 0 };
            self.start_over(&reason);
        }
        tracing::error!("the engine failed too often and has stopped; restart the process");
    }

    /// Fails the requests in the batch, whose state nobody knows, and forgets what was cached.
    fn start_over(&mut self, reason: &Cause) {
        self.prefix_tree = PrefixTree::new(self.blocks);
        self.scheduler.release_all_slots();
        for sequence in self.running.drain(..) {
            let mut request = sequence.answer.request;
            request.finish(Err(GenerateError::Failed(reason.clone())));
        }
    }

    /// Answers requests until the scheduler is closed.
    fn serve(&mut self) {
        loop {
            self.forget();
            self.admit();
            let open =
                if self.running.is_empty() { self.scheduler.wait() } else { self.scheduler.update_queue() };
            let ends = self.running.iter().map(|sequence| sequence.end_before_step(open)).collect();
            self.end(ends);
            if !open {
                return;
            }
            self.step();
        }
    }

    /// Forgets cached prefixes if somebody asked for it: unused ones now, those of running requests when they end.
    fn forget(&mut self) {
        if self.scheduler.take_forgetting() {
            self.prefix_tree.evict_unused();
            self.running.iter_mut().for_each(|sequence| sequence.forgets = true);
        }
    }

    /// Admits waiting requests while slots and KV blocks are free.
    fn admit(&mut self) {
        let tree = &mut self.prefix_tree;
        while let Some((request, blocks)) =
            self.scheduler.admit(|request| tree.allocate(&request.prompt, request.total_tokens()))
        {
            let tokens = request.prompt.clone();
            let mut answer = Answer::new(request, self.vocabulary.kind);
            let computed = blocks.shared_tokens();
            answer.usage.cached_tokens = computed;
            self.running.push(Sequence { answer, blocks, tokens, computed, forgets: false });
        }
    }

    /// Computes one step of the batch, and samples the tokens that follow.
    fn step(&mut self) {
        let counts = self.plan_step();
        let sequences = self.running.iter().zip(&counts);
        let batch: Vec<SequenceTokens<'_>> =
            sequences.filter_map(|(sequence, &count)| sequence.next_tokens(count)).collect();
        if batch.is_empty() {
            return;
        }
        let model = &mut self.model;
        let ends = match catch_panic(|| model.forward(&batch)) {
            Ok(logits) => self.sample(&counts, logits),
            Err(reason) => {
                tracing::error!(%reason, "engine step failed");
                let failed = || End::Failed(GenerateError::Failed(reason.clone()));
                counts.iter().map(|&count| (count > 0).then(failed)).collect()
            }
        };
        self.end(ends);
    }

    /// How many tokens of each request the next step computes.
    fn plan_step(&mut self) -> Vec<usize> {
        let decodes = self.running.iter().any(Sequence::decodes);
        let mut prefill_tokens = self.model.max_prefill_tokens(decodes);
        let mut counts = Vec::with_capacity(self.running.len());
        for sequence in &mut self.running {
            // Only whole blocks are shared, so only a sequence at the end of a block can continue with those of others.
            let at_block_end = sequence.computed == sequence.blocks.shared_tokens();
            if prefill_tokens > 0 && at_block_end && self.model.caches_prefixes() {
                sequence.extend_prefix(&mut self.prefix_tree);
            }
            let count = if sequence.decodes() {
                1
            } else {
                let left = prefill_tokens.min(sequence.tokens.len() - sequence.computed);
                let count = self.model.prefill_step(sequence.computed, left);
                prefill_tokens -= count;
                count
            };
            counts.push(count);
        }
        counts
    }

    /// Records what a step computed, and samples the next token of each complete sequence. Returns which of them end.
    fn sample(&mut self, counts: &[usize], logits: Vec<Vec<f32>>) -> Vec<Option<End>> {
        let mut logits = logits.into_iter();
        let mut ends = Vec::with_capacity(counts.len());
        for (sequence, &count) in self.running.iter_mut().zip(counts) {
            sequence.computed += count;
            if self.model.caches_prefixes() {
                self.prefix_tree.insert(&mut sequence.blocks, &sequence.tokens[..sequence.computed]);
            }
            let is_complete = count > 0 && sequence.computed == sequence.tokens.len();
            let next = if is_complete { logits.next() } else { None };
            ends.push(next.and_then(|mut logits| sequence.advance(&mut logits, &self.vocabulary)));
        }
        ends
    }

    /// Removes the requests that have an end, and tells their readers.
    fn end(&mut self, ends: Vec<Option<End>>) {
        let mut staying = Vec::with_capacity(self.running.len());
        for (mut sequence, end) in std::mem::take(&mut self.running).into_iter().zip(ends) {
            let Some(end) = end else {
                staying.push(sequence);
                continue;
            };
            self.prefix_tree.release(sequence.blocks);
            if sequence.forgets {
                self.prefix_tree.evict_unused();
            }
            if matches!(end, End::Done(_)) {
                sequence.answer.flush();
            }
            // Before the last event: a reader that asks again after it must find the slot free.
            self.scheduler.release_slot();
            let Answer { mut request, usage, .. } = sequence.answer;
            match end {
                End::Done(finish_reason) => {
                    request.finish(Ok(GenerationEvent::Done { finish_reason, usage }));
                }
                End::Failed(error) => request.finish(Err(error)),
                End::Abandoned => tracing::debug!("reader disconnected; request cancelled"),
            }
        }
        self.running = staying;
    }
}

impl Sequence {
    /// Whether its next step decodes, computing the last token alone.
    fn decodes(&self) -> bool {
        self.tokens.len() - self.computed == 1
    }

    /// Takes over what other sequences have computed of the prompt since the last step.
    fn extend_prefix(&mut self, tree: &mut PrefixTree) {
        tree.extend_prefix(&mut self.blocks, &self.tokens);
        self.answer.usage.cached_tokens += self.blocks.shared_tokens() - self.computed;
        self.computed = self.blocks.shared_tokens();
    }

    /// The end of a request that must not be computed any further.
    fn end_before_step(&self, open: bool) -> Option<End> {
        let request = &self.answer.request;
        if request.is_abandoned() {
            return Some(End::Abandoned);
        }
        if !open {
            return Some(End::Failed(shutting_down()));
        }
        if request.is_expired() {
            return Some(End::Failed(GenerateError::DeadlineExceeded));
        }
        (request.max_tokens == 0).then_some(End::Done(FinishReason::Length))
    }

    /// The next `count` tokens, for the model to compute.
    fn next_tokens(&self, count: usize) -> Option<SequenceTokens<'_>> {
        let end = self.computed + count;
        (count > 0).then(|| SequenceTokens {
            tokens: &self.tokens[self.computed..end],
            position: self.computed,
            blocks: self.blocks.blocks(),
            logits: usize::from(end == self.tokens.len()),
        })
    }

    /// Samples the next token. Returns the end of the answer if it is complete.
    fn advance(&mut self, logits: &mut [f32], vocabulary: &Vocabulary) -> Option<End> {
        match self.answer.advance(logits, vocabulary) {
            Ok(Next::Token(token)) => {
                self.tokens.push(token);
                None
            }
            Ok(Next::End(reason)) => Some(End::Done(reason)),
            Err(error) => Some(End::Failed(error)),
        }
    }
}
