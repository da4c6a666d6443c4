//! Samples the next token from the model's logits.
//!
//! The order: mask, repeat penalty, temperature, min-p, top-p, draw. Owns the random numbers: the same seed and the
//! same logits result in the same tokens on every machine.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use domain::Sampling;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How many tokens back the repeat penalty looks, in the answer alone: penalising the words of the prompt would drive
/// an answer away from its passages.
const REPEAT_WINDOW_TOKENS: usize = 64;

/// The tokens that may be sampled.
#[derive(Debug, Clone)]
pub(crate) struct TokenMask(Arc<[u32]>);

impl TokenMask {
    /// Allows `tokens` and no others.
    pub(crate) fn of(mut tokens: Vec<u32>) -> Self {
        tokens.sort_unstable();
        tokens.dedup();
        Self(tokens.into())
    }

    /// A mask that panics when it is applied, for a test of what survives that.
    #[cfg(test)]
    pub(crate) fn out_of_order() -> Self {
        Self([9, 3].into())
    }

    /// Makes all other tokens impossible.
    fn apply(&self, logits: &mut [f32]) {
        let (mut from, length) = (0, logits.len());
        for &token in self.0.iter().filter(|&&token| (token as usize) < length) {
            logits[from..token as usize].fill(f32::NEG_INFINITY);
            from = token as usize + 1;
        }
        logits[from..].fill(f32::NEG_INFINITY);
    }
}

/// Samples the tokens of one answer.
pub(crate) struct Sampler {
    mask: Option<TokenMask>,
    temperature: f32,
    top_p: f32,
    min_p: f32,
    repeat_penalty: f32,
    random: ChaCha8Rng,
    recent: VecDeque<u32>,
}

impl Sampler {
    /// Settings outside their range are clamped, and settings that are not finite are switched off.
    pub(crate) fn new(sampling: &Sampling, mask: Option<TokenMask>) -> Self {
        let finite_or = |value: f32, off: f32| if value.is_finite() { value } else { off };
        let penalty = finite_or(sampling.repeat_penalty, 1.0);
        Self {
            mask,
            temperature: finite_or(sampling.temperature, 0.0).max(0.0),
            top_p: finite_or(sampling.top_p, 1.0).clamp(0.0, 1.0),
            min_p: finite_or(sampling.min_p, 0.0).clamp(0.0, 1.0),
            repeat_penalty: if penalty > 0.0 { penalty } else { 1.0 },
            random: ChaCha8Rng::seed_from_u64(sampling.seed.unwrap_or_else(rand::random)),
            recent: VecDeque::new(),
        }
    }

    /// Samples the next token by `logits`, which are changed. `None` if none of them is finite.
    pub(crate) fn sample(&mut self, logits: &mut [f32]) -> Option<u32> {
        if let Some(mask) = &self.mask {
            mask.apply(logits);
        }
        self.penalise_repeats(logits);
        let likeliest = argmax(logits)?;
        let token = if self.temperature == 0.0 { likeliest } else { self.draw(logits, likeliest) };
        if self.recent.len() == REPEAT_WINDOW_TOKENS {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        Some(token)
    }

    /// The penalty of CTRL (Keskar et al. 2019, section 4.1): once per token, however often it was seen.
    fn penalise_repeats(&self, logits: &mut [f32]) {
        if self.repeat_penalty == 1.0 {
            return;
        }
        let mut seen: Vec<u32> = self.recent.iter().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        for token in seen {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit =
                    if *logit > 0.0 { *logit / self.repeat_penalty } else { *logit * self.repeat_penalty };
            }
        }
    }

    fn draw(&mut self, logits: &[f32], likeliest: u32) -> u32 {
        let highest = logits[likeliest as usize];
        let weight = |logit: f32| ((logit - highest) / self.temperature).exp();
        // The likeliest token has weight 1, so min-p is a threshold on weights.
        let candidates =
            logits.iter().zip(0..).filter(|(logit, _)| logit.is_finite()).filter_map(|(&logit, token)| {
                let weight = weight(logit);
                (weight > 0.0 && weight >= self.min_p).then_some(Candidate { weight, token })
            });
        let mut candidates: Vec<Candidate> = candidates.collect();
        if self.top_p < 1.0 {
            candidates = nucleus(candidates, self.top_p);
        }
        let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
        let mut left = unit_interval(&mut self.random) * total;
        for candidate in &candidates {
            left -= f64::from(candidate.weight);
            if left < 0.0 {
                return candidate.token;
            }
        }
        // Rounding may leave a rest after the last candidate.
        candidates.last().map_or(likeliest, |candidate| candidate.token)
    }
}

/// A uniform number in 0..1 with 53 random bits.
fn unit_interval(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

fn argmax(logits: &[f32]) -> Option<u32> {
    let finite = logits.iter().zip(0u32..).filter(|(logit, _)| logit.is_finite());
    // Of equal ones the first, so that greedy answers do not depend on the order of iteration.
    finite.max_by(|a, b| a.0.total_cmp(b.0).then(b.1.cmp(&a.1))).map(|(_, token)| token)
}

#[derive(PartialEq)]
struct Candidate {
    /// Proportional to the probability; above 0 and finite.
    weight: f32,
    token: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.weight.total_cmp(&other.weight).then(other.token.cmp(&self.token))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The fewest likeliest candidates that together have `top_p` of the probability (Holtzman et al. 2020), at least one.
/// A heap, because few of a vocabulary of 150,000 are needed and sorting all of them takes a third of a step.
fn nucleus(candidates: Vec<Candidate>, top_p: f32) -> Vec<Candidate> {
    let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
    let enough = total * f64::from(top_p);
    let mut heap = BinaryHeap::from(candidates);
    let mut kept = Vec::new();
    let mut sum = 0.0;
    while let Some(candidate) = heap.pop() {
        sum += f64::from(candidate.weight);
        kept.push(candidate);
        if sum >= enough {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WARM: Sampling = Sampling { temperature: 1.0, seed: Some(7), ..Sampling::GREEDY };

    fn draws(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling, None);
        (0..count).map(|_| sampler.sample(&mut logits.to_vec()).expect("finite logits")).collect()
    }

    #[test]
    fn greedy_takes_the_first_of_the_likeliest() {
        assert_eq!(draws(&Sampling::GREEDY, &[0.0, 3.0, f32::NAN, 3.0, f32::INFINITY], 2), [1, 1]);
    }

    #[test]
    fn no_finite_logit_is_no_token() {
        assert_eq!(Sampler::new(&WARM, None).sample(&mut [f32::NAN, f32::NEG_INFINITY]), None);
        assert_eq!(Sampler::new(&WARM, None).sample(&mut []), None);
    }

    #[test]
    fn draws_follow_the_distribution() {
        let counted = draws(&WARM, &[0.75f32.ln(), 0.25f32.ln()], 4000);
        let share = counted.iter().filter(|&&token| token == 0).count() as f32 / 4000.0;
        assert!((share - 0.75).abs() < 0.03, "{share}");
    }

    #[test]
    fn the_same_seed_draws_the_same_tokens_and_another_seed_others() {
        let logits = [0.0; 50];
        assert_eq!(draws(&WARM, &logits, 40), draws(&WARM, &logits, 40));
        assert_ne!(draws(&WARM, &logits, 40), draws(&Sampling { seed: Some(8), ..WARM }, &logits, 40));
        let unseeded = Sampling { seed: None, ..WARM };
        assert_ne!(draws(&unseeded, &logits, 40), draws(&unseeded, &logits, 40));
    }

    #[test]
    fn top_p_and_min_p_drop_the_tail() {
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
        assert!(draws(&Sampling { top_p: 0.7, ..WARM }, &logits, 300).iter().all(|&token| token < 2));
        assert!(draws(&Sampling { top_p: 0.0, ..WARM }, &logits, 300).iter().all(|&token| token == 0));
        assert!(draws(&Sampling { min_p: 0.5, ..WARM }, &logits, 300).iter().all(|&token| token < 2));
    }

    #[test]
    fn a_repeated_token_loses_to_the_next_one() {
        let penalised = Sampling { repeat_penalty: 1.5, ..Sampling::GREEDY };
        assert_eq!(draws(&penalised, &[1.0, 0.9, -1.0], 2), [0, 1]);
        assert_eq!(draws(&penalised, &[-1.0, -1.2], 2), [0, 1]);
    }

    #[test]
    fn a_mask_leaves_what_it_names() {
        let mut sampler = Sampler::new(&Sampling::GREEDY, Some(TokenMask::of(vec![3, 1, 9])));
        assert_eq!(sampler.sample(&mut [5.0, 1.0, 4.0, 2.0, 3.0]), Some(3));
        assert_eq!(sampler.sample(&mut [5.0]), None, "none of its tokens is there");
    }

    proptest! {
        #[test]
        fn any_setting_samples_a_finite_token(
            logits in prop::collection::vec(any::<f32>(), 1..40),
            temperature: f32, top_p: f32, min_p: f32, repeat_penalty: f32, seed: u64,
        ) {
            let mut sampler = Sampler::new(&Sampling { temperature, top_p, min_p, repeat_penalty, seed: Some(seed) }, None);
            for _ in 0..3 {
                match sampler.sample(&mut logits.clone()) {
                    Some(token) => prop_assert!(logits[token as usize].is_finite()),
                    None => prop_assert!(logits.iter().all(|logit| !logit.is_finite()) || repeat_penalty != 1.0),
                }
            }
        }
    }
}
