//! Measures how fast a model computes on this machine: requests of random tokens, through the engine's own scheduler.

use std::cell::Cell;
use std::time::{Duration, Instant};

use domain::{GenerateError, GenerationEvent, Sampling};
use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::{join, join_all};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::serve::engine::Engine;
use crate::serve::sampling::TokenMask;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Prompt tokens of each request, after `depth`.
    pub prompt_tokens: usize,
    /// Tokens that each request generates.
    pub generate: usize,
    /// Tokens that each prompt begins with, and that are in the prefix cache.
    pub depth: usize,
    /// Requests at the same time.
    pub parallel: usize,
    /// Prompt tokens of one more request, which arrives when all others decode; 0 for none.
    pub arriving: usize,
}

impl Load {
    /// Slots that the requests need, so that none waits for another.
    pub fn slots(&self) -> usize {
        self.parallel + usize::from(self.arriving > 0)
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Speed {
    /// Prompt tokens per second, until the last request has its first token.
    pub prefill_tokens_per_s: f64,
    /// Generated tokens per second, of all requests together, from the last first token on.
    pub decode_tokens_per_s: f64,
    /// Time to the first token.
    pub ttft_ms: Percentiles,
    /// Time between two tokens of one request; with an arriving request, while it is prefilled.
    pub gap_ms: Percentiles,
    /// Prompt and generated tokens per second, from the first to the last.
    pub total_tokens_per_s: f64,
}

/// Percentiles of times, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    /// Half of the times are no longer.
    pub p50: f64,
    /// All but one in a hundred are no longer.
    pub p99: f64,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            times.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
        };
        Self { p50: at(0.50), p99: at(0.99) }
    }
}

/// When the tokens of one request came.
struct Times {
    began: Instant,
    tokens: Vec<Instant>,
    /// Prompt tokens that were not cached.
    prefilled: usize,
}

/// Measures `engine`, which has [`Load::slots`] slots, under `load`. Blocks.
pub fn measure(engine: &Engine, load: Load) -> Result<Speed, GenerateError> {
    let tokens = text_tokens(engine);
    let prompts: Vec<Vec<u32>> = (0..load.parallel as u64)
        .map(|seed| random_tokens(&tokens, load.depth + load.prompt_tokens.max(1), seed))
        .collect();
    let arriving = random_tokens(&tokens, load.arriving, load.parallel as u64);
    let requests = Requests { engine, mask: TokenMask::of(tokens) };
    futures::executor::block_on(async {
        if load.depth > 0 {
            let prefixes = prompts.iter().map(|prompt| prompt[..load.depth].to_vec());
            let prefixes = prefixes.map(|prefix| requests.time(prefix, 1, || {}));
            for outcome in join_all(prefixes).await {
                outcome?;
            }
        }
        let (times, arriving) = requests.time_all(&prompts, load.generate.max(1), arriving).await;
        let times: Result<Vec<Times>, _> = times.into_iter().collect();
        Ok(speed(&times?, arriving?.as_ref()))
    })
}

/// Tokens that are streamed one by one, because each of them is whole text.
fn text_tokens(engine: &Engine) -> Vec<u32> {
    let vocabulary = engine.vocabulary();
    let is_text = |id: &u32| {
        let bytes = vocabulary.bytes(*id);
        !bytes.is_empty() && bytes.is_ascii() && bytes != b" " && !vocabulary.ends.contains(id)
    };
    (0..vocabulary.len() as u32).filter(is_text).collect()
}

/// `count` random tokens out of `tokens`.
fn random_tokens(tokens: &[u32], count: usize, seed: u64) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| tokens[random.next_u32() as usize % tokens.len()]).collect()
}

/// Sends requests to an engine, and records when their tokens come.
struct Requests<'a> {
    engine: &'a Engine,
    /// The tokens that may be generated.
    mask: TokenMask,
}

impl Requests<'_> {
    /// Sends all `prompts` at the same time, and the prompt `arriving`, unless it is empty, once all of them decode.
    async fn time_all(
        &self,
        prompts: &[Vec<u32>],
        max_tokens: usize,
        arriving: Vec<u32>,
    ) -> (Vec<Result<Times, GenerateError>>, Result<Option<Times>, GenerateError>) {
        let prefilling = Cell::new(prompts.len());
        let (all_decode, when_all_decode) = oneshot::channel();
        let all_decode = Cell::new(Some(all_decode));
        let on_first_token = || {
            prefilling.set(prefilling.get() - 1);
            if prefilling.get() == 0
                && let Some(all_decode) = all_decode.take()
            {
                // Without an arriving request nobody listens.
                let _ = all_decode.send(());
            }
        };
        let timed = prompts.iter().map(|prompt| self.time(prompt.clone(), max_tokens, on_first_token));
        let arriving = async {
            if arriving.is_empty() || when_all_decode.await.is_err() {
                return Ok(None);
            }
            self.time(arriving, 1, || {}).await.map(Some)
        };
        join(join_all(timed), arriving).await
    }

    /// Generates `max_tokens` tokens after `prompt`.
    async fn time(
        &self,
        prompt: Vec<u32>,
        max_tokens: usize,
        on_first_token: impl Fn(),
    ) -> Result<Times, GenerateError> {
        let mut times = Times { began: Instant::now(), tokens: Vec::new(), prefilled: prompt.len() };
        let mask = Some(self.mask.clone());
        let mut stream = self.engine.continue_tokens(prompt, max_tokens, Sampling::GREEDY, mask)?;
        while let Some(event) = stream.next().await {
            match event? {
                GenerationEvent::Queued { .. } => {}
                GenerationEvent::Delta(_) => {
                    if times.tokens.is_empty() {
                        on_first_token();
                    }
                    times.tokens.push(Instant::now());
                }
                GenerationEvent::Done { usage, .. } => times.prefilled -= usage.cached_tokens,
            }
        }
        Ok(times)
    }
}

/// Computes the speeds from the times of all requests.
fn speed(times: &[Times], arriving: Option<&Times>) -> Speed {
    let prefilled: usize = times.iter().chain(arriving).map(|times| times.prefilled).sum();
    let generated: usize = times.iter().map(|times| times.tokens.len()).sum();
    let began = times.iter().map(|times| times.began).min();
    let all_prefilled = times.iter().filter_map(|times| times.tokens.first()).max();
    let ended = times.iter().chain(arriving).filter_map(|times| times.tokens.last()).max();
    let decoded = times.iter().flat_map(|times| &times.tokens);
    let decoded = decoded.filter(|time| all_prefilled.is_some_and(|all_prefilled| *time > all_prefilled));
    let first = times.iter().filter_map(|times| Some(*times.tokens.first()? - times.began));
    Speed {
        prefill_tokens_per_s: prefilled as f64 / seconds(began.as_ref(), all_prefilled),
        decode_tokens_per_s: decoded.count() as f64 / seconds(all_prefilled, ended),
        ttft_ms: Percentiles::of(first.collect()),
        gap_ms: Percentiles::of(gaps(times, arriving)),
        total_tokens_per_s: (prefilled + generated) as f64 / seconds(began.as_ref(), ended),
    }
}

fn seconds(from: Option<&Instant>, to: Option<&Instant>) -> f64 {
    match (from, to) {
        (Some(from), Some(to)) => to.saturating_duration_since(*from).as_secs_f64().max(1e-9),
        _ => f64::INFINITY,
    }
}

/// The times between two tokens; with an arriving request, only the times that overlap with its prefill.
fn gaps(times: &[Times], arriving: Option<&Times>) -> Vec<Duration> {
    let counts = |pair: &&[Instant]| {
        arriving.is_none_or(|arriving| {
            let prefilled = arriving.tokens.first();
            pair[1] > arriving.began && prefilled.is_none_or(|prefilled| pair[0] < *prefilled)
        })
    };
    let pairs = times.iter().flat_map(|times| times.tokens.windows(2)).filter(counts);
    pairs.map(|pair| pair[1] - pair[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let times = (1..=200).map(Duration::from_millis).collect();
        let percentiles = Percentiles::of(times);
        assert_eq!((percentiles.p50, percentiles.p99), (100.0, 198.0));
        assert_eq!(Percentiles::of(Vec::new()).p99, 0.0);
    }
}
