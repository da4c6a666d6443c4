//! How fast a model reads and writes here: requests of random tokens, through the same queue as everyone's.

use std::cell::Cell;
use std::time::{Duration, Instant};

use domain::{GenerateError, GenerationEvent, Sampling};
use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::{join, join_all};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::engine::Engine;
use crate::sampling::TokenMask;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Tokens that each request reads.
    pub prompt_tokens: usize,
    /// Tokens that each request writes.
    pub generate: usize,
    /// Tokens that each request's conversation has before them, and that are known from an earlier one.
    pub depth: usize,
    /// Requests at the same time.
    pub parallel: usize,
    /// Tokens of one more request, which comes when the last of the others has begun to write; 0 for none.
    pub arriving: usize,
}

impl Load {
    /// Places that the requests need, so that none waits for another.
    pub fn places(&self) -> usize {
        self.parallel + usize::from(self.arriving > 0)
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Speed {
    /// Tokens read in a second, until the last request has its first token.
    pub prefill_tokens_per_s: f64,
    /// Tokens written in a second, by all requests together, from the last first token on.
    pub decode_tokens_per_s: f64,
    /// Time to the first token.
    pub ttft_ms: Percentiles,
    /// Time between two tokens of one request; with a request that arrives, as long as that is being read.
    pub gap_ms: Percentiles,
    /// Tokens read and written in a second, from the first to the last.
    pub total_tokens_per_s: f64,
}

/// Of a set of times, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    /// Half are no longer.
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
    read_tokens: usize,
}

/// Measures `engine`, which has [`Load::places`], under `load`. Blocks.
pub fn measure(engine: &Engine, load: Load) -> Result<Speed, GenerateError> {
    let known = text_tokens(engine);
    let mask = TokenMask::of(known.clone());
    let prompts: Vec<Vec<u32>> = (0..load.parallel as u64)
        .map(|seed| random_tokens(&known, load.depth + load.prompt_tokens.max(1), seed))
        .collect();
    futures::executor::block_on(async {
        if load.depth > 0 {
            let earlier =
                prompts.iter().map(|prompt| request(engine, &mask, prompt[..load.depth].to_vec(), 1, || {}));
            for outcome in join_all(earlier).await {
                outcome?;
            }
        }
        let silent = Cell::new(load.parallel);
        let (all_write, when_all_write) = oneshot::channel();
        let all_write = Cell::new(Some(all_write));
        let begins = || {
            silent.set(silent.get() - 1);
            if silent.get() == 0
                && let Some(all_write) = all_write.take()
            {
                // Without a request that arrives nobody listens.
                let _ = all_write.send(());
            }
        };
        let requests =
            prompts.iter().map(|prompt| request(engine, &mask, prompt.clone(), load.generate.max(1), begins));
        let arriving = async {
            if load.arriving == 0 || when_all_write.await.is_err() {
                return Ok(None);
            }
            let prompt = random_tokens(&known, load.arriving, load.parallel as u64);
            request(engine, &mask, prompt, 1, || {}).await.map(Some)
        };
        let (times, arriving) = join(join_all(requests), arriving).await;
        let times: Result<Vec<Times>, _> = times.into_iter().collect();
        Ok(speed(&times?, arriving?.as_ref()))
    })
}

/// Tokens that stand for text of their own, so that each of them can be seen coming.
fn text_tokens(engine: &Engine) -> Vec<u32> {
    let vocabulary = engine.vocabulary();
    let is_text = |id: &u32| {
        let bytes = vocabulary.bytes(*id);
        !bytes.is_empty() && bytes.is_ascii() && bytes != b" " && !vocabulary.ends.contains(id)
    };
    (0..vocabulary.len() as u32).filter(is_text).collect()
}

/// `count` of the tokens in `known`.
fn random_tokens(known: &[u32], count: usize, seed: u64) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| known[random.next_u32() as usize % known.len()]).collect()
}

/// Writes `max_tokens` tokens out of `mask` after `prompt`. `begins` is called with the first of them.
async fn request(
    engine: &Engine,
    mask: &TokenMask,
    prompt: Vec<u32>,
    max_tokens: usize,
    begins: impl Fn(),
) -> Result<Times, GenerateError> {
    let mut times = Times { began: Instant::now(), tokens: Vec::new(), read_tokens: prompt.len() };
    let mut stream = engine.continue_tokens(prompt, max_tokens, Sampling::GREEDY, Some(mask.clone()))?;
    while let Some(event) = stream.next().await {
        match event? {
            GenerationEvent::Queued { .. } => {}
            GenerationEvent::Delta(_) => {
                if times.tokens.is_empty() {
                    begins();
                }
                times.tokens.push(Instant::now());
            }
            GenerationEvent::Done { usage, .. } => times.read_tokens -= usage.cached_tokens,
        }
    }
    Ok(times)
}

fn speed(times: &[Times], arriving: Option<&Times>) -> Speed {
    let read: usize = times.iter().chain(arriving).map(|times| times.read_tokens).sum();
    let written: usize = times.iter().map(|times| times.tokens.len()).sum();
    let began = times.iter().map(|times| times.began).min();
    let all_read = times.iter().filter_map(|times| times.tokens.first()).max();
    let ended = times.iter().chain(arriving).filter_map(|times| times.tokens.last()).max();
    let after = |from: Option<&Instant>, to: Option<&Instant>| match (from, to) {
        (Some(from), Some(to)) => to.saturating_duration_since(*from).as_secs_f64().max(1e-9),
        _ => f64::INFINITY,
    };
    let late = |time: &&Instant| all_read.is_some_and(|all_read| *time > all_read);
    let written_after = times.iter().flat_map(|times| &times.tokens).filter(late).count();
    let first = times.iter().filter_map(|times| Some(*times.tokens.first()? - times.began));
    let counts = |pair: &&[Instant]| {
        arriving.is_none_or(|arriving| {
            let read = arriving.tokens.first();
            pair[1] > arriving.began && read.is_none_or(|read| pair[0] < *read)
        })
    };
    let gaps = times.iter().flat_map(|times| times.tokens.windows(2)).filter(counts);
    let gaps = gaps.map(|pair| pair[1] - pair[0]);
    Speed {
        prefill_tokens_per_s: read as f64 / after(began.as_ref(), all_read),
        decode_tokens_per_s: written_after as f64 / after(all_read, ended),
        ttft_ms: Percentiles::of(first.collect()),
        gap_ms: Percentiles::of(gaps.collect()),
        total_tokens_per_s: (read + written) as f64 / after(began.as_ref(), ended),
    }
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
