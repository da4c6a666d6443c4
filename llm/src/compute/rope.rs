//! Applies rotary position embeddings (RoPE): rotates pairs of a head's numbers by an angle that grows with the
//! position.
//!
//! Su and others, "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021. Models whose context exceeds
//! the one they were trained for rotate slower: all pairs alike (linear), or only the slow ones (YaRN: Peng and others,
//! "YaRN: Efficient Context Window Extension of Large Language Models", 2023; Llama 3's factors come with the file).

/// How frequencies are scaled to a longer context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RopeScaling {
    None,
    /// All pairs rotate `factor` times slower.
    Linear {
        factor: f32,
    },
    /// Pairs that rotate fewer than 32 times within `trained_tokens` are slowed down, those below one rotation by the
    /// whole factor.
    Yarn {
        factor: f32,
        trained_tokens: f32,
    },
}

/// The rotation of one head size.
#[derive(Debug, Clone)]
pub(crate) struct Rope {
    /// By how much each pair of a head rotates from one position to the next.
    frequencies: Vec<f32>,
    /// What rotated numbers are multiplied with.
    magnitude: f32,
}

/// Cosines and sines of some positions, `half` of them for each.
#[derive(Debug)]
pub(crate) struct RopeTable {
    half: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rope {
    /// Rotates heads of `head_size` numbers, pair `i` with the frequency `base^(-2i / head_size)`.
    pub(crate) fn new(base: f32, head_size: usize, scaling: RopeScaling) -> Self {
        let frequency = |pair: usize| f64::from(base).powf(-((2 * pair) as f64) / head_size as f64) as f32;
        let frequencies: Vec<f32> = (0..head_size / 2).map(frequency).collect();
        match scaling {
            RopeScaling::None => Self { frequencies, magnitude: 1.0 },
            RopeScaling::Linear { factor } => Self {
                frequencies: frequencies.iter().map(|frequency| frequency / factor).collect(),
                magnitude: 1.0,
            },
            RopeScaling::Yarn { factor, trained_tokens } => {
                Self::yarn(base, head_size, &frequencies, factor, trained_tokens)
            }
        }
    }

    fn yarn(base: f32, head_size: usize, frequencies: &[f32], factor: f32, trained_tokens: f32) -> Self {
        // The pair that makes this number of rotations within the trained context.
        let pair_with = |rotations: f32| {
            let angle = std::f32::consts::TAU * rotations;
            head_size as f32 * (trained_tokens / angle).ln() / (2.0 * base.ln())
        };
        let (fast, slow) = (pair_with(32.0).floor().max(0.0), pair_with(1.0).ceil());
        let scaled = frequencies.iter().enumerate().map(|(pair, frequency)| {
            let slowed = ((pair as f32 - fast) / (slow - fast).max(0.001)).clamp(0.0, 1.0);
            frequency / factor * slowed + frequency * (1.0 - slowed)
        });
        Self { frequencies: scaled.collect(), magnitude: 1.0 + 0.1 * factor.ln() }
    }

    /// Divides each pair's frequency by a factor of its own (`rope_freqs.weight` in GGUF).
    pub(crate) fn with_frequency_factors(mut self, factors: &[f32]) -> Self {
        for (frequency, factor) in self.frequencies.iter_mut().zip(factors) {
            *frequency /= factor;
        }
        self
    }

    /// Computes the cosines and sines of `positions`.
    pub(crate) fn table(&self, positions: &[usize]) -> RopeTable {
        let mut table = RopeTable {
            half: self.frequencies.len(),
            cosines: Vec::with_capacity(positions.len() * self.frequencies.len()),
            sines: Vec::with_capacity(positions.len() * self.frequencies.len()),
        };
        for &position in positions {
            for frequency in &self.frequencies {
                let (sine, cosine) = (position as f32 * frequency).sin_cos();
                table.cosines.push(cosine * self.magnitude);
                table.sines.push(sine * self.magnitude);
            }
        }
        table
    }
}

impl RopeTable {
    /// Rotates the heads in `numbers` by the table's position number `index`.
    pub(crate) fn apply(&self, index: usize, numbers: &mut [f32]) {
        let range = index * self.half..(index + 1) * self.half;
        let (cosines, sines) = (&self.cosines[range.clone()], &self.sines[range]);
        for head in numbers.chunks_exact_mut(2 * self.half) {
            let (first, second) = head.split_at_mut(self.half);
            for (((x, y), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
                (*x, *y) = (*x * cosine - *y * sine, *x * sine + *y * cosine);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotated(rope: &Rope, position: usize) -> Vec<f32> {
        let mut head = vec![1.0, 0.5, 0.0, 0.0];
        rope.table(&[0, position]).apply(1, &mut head);
        head
    }

    #[test]
    fn a_head_is_rotated_pair_by_pair() {
        let head = rotated(&Rope::new(100.0, 4, RopeScaling::None), 3);
        let expected = [3.0_f32.cos(), 0.5 * 0.3_f32.cos(), 3.0_f32.sin(), 0.5 * 0.3_f32.sin()];
        for (number, expected) in head.iter().zip(expected) {
            assert!((number - expected).abs() < 1e-6, "{head:?}");
        }
    }

    #[test]
    fn linear_scaling_slows_all_pairs_and_frequency_factors_slow_each_by_its_own() {
        let plain = Rope::new(100.0, 4, RopeScaling::None);
        let linear = RopeScaling::Linear { factor: 4.0 };
        assert_eq!(rotated(&Rope::new(100.0, 4, linear), 8), rotated(&plain, 2));
        assert_eq!(rotated(&plain.clone().with_frequency_factors(&[4.0, 4.0]), 8), rotated(&plain, 2));
    }

    #[test]
    fn yarn_keeps_fast_pairs_and_slows_slow_ones() {
        let yarn = RopeScaling::Yarn { factor: 4.0, trained_tokens: 32_768.0 };
        let (plain, scaled) = (Rope::new(1e6, 128, RopeScaling::None), Rope::new(1e6, 128, yarn));
        assert_eq!(plain.frequencies[0], scaled.frequencies[0]);
        assert_eq!(plain.frequencies[63] / 4.0, scaled.frequencies[63]);
        assert!((scaled.magnitude - 1.138_629_4).abs() < 1e-6);
    }
}
