//! How positions are told to the model: pairs of numbers of a head, turned by an angle that grows with the position.
//!
//! Su and others, "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021. Models that read more than
//! they were trained for turn slower: all pairs alike (linear), or the slow ones alone (YaRN: Peng and others, "YaRN:
//! Efficient Context Window Extension of Large Language Models", 2023; Llama 3's factors come with the file).

/// How angles are brought to a longer context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    None,
    /// All pairs turn `factor` times slower.
    Linear {
        factor: f32,
    },
    /// Pairs that turn fewer than 32 times in `trained_tokens` are slowed, those under one turn wholly.
    Yarn {
        factor: f32,
        trained_tokens: f32,
    },
}

/// The angle by which each pair of a head turns from one position to the next.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    angles: Vec<f32>,
    /// What turned numbers are multiplied with.
    magnitude: f32,
}

/// Cosines and sines for some positions, `half` of them for each.
#[derive(Debug)]
pub(crate) struct Turns {
    half: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rotation {
    /// Angles of heads of `head_size` numbers: `base^(-2i / head_size)` for pair `i`.
    pub(crate) fn new(base: f32, head_size: usize, scaling: Scaling) -> Self {
        let angle = |pair: usize| f64::from(base).powf(-((2 * pair) as f64) / head_size as f64) as f32;
        let pairs = (0..head_size / 2).map(angle);
        match scaling {
            Scaling::None => Self { angles: pairs.collect(), magnitude: 1.0 },
            Scaling::Linear { factor } => {
                Self { angles: pairs.map(|angle| angle / factor).collect(), magnitude: 1.0 }
            }
            Scaling::Yarn { factor, trained_tokens } => {
                let pair_with = |turns: f32| {
                    let turn = std::f32::consts::TAU * turns;
                    head_size as f32 * (trained_tokens / turn).ln() / (2.0 * base.ln())
                };
                let (fast, slow) = (pair_with(32.0).floor().max(0.0), pair_with(1.0).ceil());
                let angles = pairs.enumerate().map(|(pair, angle)| {
                    let slowed = ((pair as f32 - fast) / (slow - fast).max(0.001)).clamp(0.0, 1.0);
                    angle / factor * slowed + angle * (1.0 - slowed)
                });
                Self { angles: angles.collect(), magnitude: 1.0 + 0.1 * factor.ln() }
            }
        }
    }

    /// The same, with each pair's angle divided by a factor of its own.
    pub(crate) fn divided_by(mut self, factors: &[f32]) -> Self {
        for (angle, factor) in self.angles.iter_mut().zip(factors) {
            *angle /= factor;
        }
        self
    }

    /// The turns at each of `positions`.
    pub(crate) fn at(&self, positions: &[usize]) -> Turns {
        let mut turns = Turns {
            half: self.angles.len(),
            cosines: Vec::with_capacity(positions.len() * self.angles.len()),
            sines: Vec::with_capacity(positions.len() * self.angles.len()),
        };
        for &position in positions {
            for angle in &self.angles {
                let (sine, cosine) = (position as f32 * angle).sin_cos();
                turns.cosines.push(cosine * self.magnitude);
                turns.sines.push(sine * self.magnitude);
            }
        }
        turns
    }
}

impl Turns {
    /// Turns the heads in `numbers`, which stand at the position with index `at`.
    pub(crate) fn apply(&self, at: usize, numbers: &mut [f32]) {
        let place = at * self.half..(at + 1) * self.half;
        let (cosines, sines) = (&self.cosines[place.clone()], &self.sines[place]);
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

    fn turned(rotation: &Rotation, position: usize) -> Vec<f32> {
        let mut head = vec![1.0, 0.5, 0.0, 0.0];
        rotation.at(&[0, position]).apply(1, &mut head);
        head
    }

    #[test]
    fn a_head_is_turned_pair_by_pair() {
        let head = turned(&Rotation::new(100.0, 4, Scaling::None), 3);
        let expected = [3.0_f32.cos(), 0.5 * 0.3_f32.cos(), 3.0_f32.sin(), 0.5 * 0.3_f32.sin()];
        for (number, expected) in head.iter().zip(expected) {
            assert!((number - expected).abs() < 1e-6, "{head:?}");
        }
    }

    #[test]
    fn linear_scaling_makes_positions_closer_and_factors_do_it_pair_by_pair() {
        let plain = Rotation::new(100.0, 4, Scaling::None);
        assert_eq!(turned(&Rotation::new(100.0, 4, Scaling::Linear { factor: 4.0 }), 8), turned(&plain, 2));
        assert_eq!(turned(&plain.clone().divided_by(&[4.0, 4.0]), 8), turned(&plain, 2));
    }

    #[test]
    fn yarn_leaves_fast_pairs_and_slows_slow_ones() {
        let yarn = Scaling::Yarn { factor: 4.0, trained_tokens: 32_768.0 };
        let (plain, scaled) = (Rotation::new(1e6, 128, Scaling::None), Rotation::new(1e6, 128, yarn));
        assert_eq!(plain.angles[0], scaled.angles[0]);
        assert_eq!(plain.angles[63] / 4.0, scaled.angles[63]);
        assert!((scaled.magnitude - 1.138_629_4).abs() < 1e-6);
    }
}
