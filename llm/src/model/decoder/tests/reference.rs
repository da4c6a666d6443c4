//! A decoder without cache, batch or vectors: one number after the other.

use crate::compute::ops::GateActivation;
use crate::model::config::ModelConfig;
use crate::model::gguf::file::GgufFile;

pub(super) struct Reference<'a> {
    pub(super) gguf: &'a GgufFile,
    pub(super) config: &'a ModelConfig,
}

type Rows = Vec<Vec<f32>>;

impl Reference<'_> {
    /// The logits of every token.
    pub(super) fn logits(&self, tokens: &[u32]) -> Rows {
        let width = self.config.hidden_size;
        let embedding = self.gguf.floats("token_embd.weight").expect("it is there");
        let embed = |token: &u32| {
            let row = &embedding[*token as usize * width..][..width];
            row.iter().map(|number| number * self.config.embedding_scale).collect()
        };
        let mut hidden: Rows = tokens.iter().map(embed).collect();
        for layer in 0..self.config.layers {
            let attended = self.attention(layer, &self.normed(layer, "attn_norm", &hidden));
            self.add(layer, "post_attention_norm", attended, &mut hidden);
            let fed = self.feed_forward(layer, &self.normed(layer, "ffn_norm", &hidden));
            self.add(layer, "post_ffw_norm", fed, &mut hidden);
        }
        let norm = self.gguf.floats("output_norm.weight").expect("it is there");
        let normed: Rows = hidden.iter().map(|row| self.norm(row, &norm)).collect();
        product(&embedding, &normed)
    }

    fn attention(&self, layer: usize, rows: &Rows) -> Rows {
        let config = self.config;
        let (queries, keys, values) = (
            self.heads(layer, "attn_q", rows, true),
            self.heads(layer, "attn_k", rows, true),
            self.heads(layer, "attn_v", rows, false),
        );
        let window = config.local_attention(layer).map_or(usize::MAX, |local| local.window);
        let attended = (0..rows.len()).map(|row| {
            let head = |head: usize| {
                let shared = head / (config.query_heads / config.key_value_heads);
                let seen = (row + 1).saturating_sub(window)..row + 1;
                let scores = seen.clone().map(|key| {
                    let terms = queries[row][head].iter().zip(&keys[key][shared]).map(|(q, k)| q * k);
                    (terms.sum::<f32>() * config.attention_scale).exp()
                });
                let scores: Vec<f32> = scores.collect();
                let total: f32 = scores.iter().sum();
                let number = |at: usize| -> f32 {
                    seen.clone()
                        .zip(&scores)
                        .map(|(key, score)| values[key][shared][at] * score / total)
                        .sum()
                };
                (0..config.head_size).map(number).collect::<Vec<f32>>()
            };
            (0..config.query_heads).flat_map(head).collect()
        });
        self.multiplied(layer, "attn_output", &attended.collect())
    }

    /// Every row's heads, with bias, norm and RoPE.
    fn heads(&self, layer: usize, name: &str, rows: &Rows, rotates: bool) -> Vec<Rows> {
        let size = self.config.head_size;
        let bias = self.small(layer, &format!("{name}.bias"));
        let norm = self.small(layer, &format!("{name}_norm.weight"));
        let projected = self.multiplied(layer, name, rows).into_iter().enumerate();
        let heads = projected.map(|(position, mut row)| {
            if let Some(bias) = &bias {
                row.iter_mut().zip(bias).for_each(|(number, bias)| *number += bias);
            }
            let head = |head: &[f32]| {
                let head = norm.as_ref().map_or(head.to_vec(), |norm| self.norm(head, norm));
                if rotates { self.rotate(layer, position, &head) } else { head }
            };
            row.chunks_exact(size).map(head).collect()
        });
        heads.collect()
    }

    fn rotate(&self, layer: usize, position: usize, head: &[f32]) -> Vec<f32> {
        let config = self.config;
        let local = config.local_attention(layer).is_some();
        let base: f32 = if !local && config.local_attention.is_some() { self.base() } else { 10_000.0 };
        let factors = self
            .gguf
            .has_tensor("rope_freqs.weight")
            .then(|| self.gguf.floats("rope_freqs.weight").expect("it is there"));
        let half = head.len() / 2;
        let mut rotated = head.to_vec();
        for pair in 0..half {
            let mut angle = position as f32 * base.powf(-2.0 * pair as f32 / head.len() as f32);
            if let Some(factors) = &factors {
                angle /= factors[pair];
            }
            let (x, y) = if config.family.has_interleaved_rope() {
                (2 * pair, 2 * pair + 1)
            } else {
                (pair, pair + half)
            };
            rotated[x] = head[x] * angle.cos() - head[y] * angle.sin();
            rotated[y] = head[x] * angle.sin() + head[y] * angle.cos();
        }
        rotated
    }

    fn base(&self) -> f32 {
        let key = format!("{}.rope.freq_base", self.config.family.name());
        self.gguf.float(&key).expect("a number").expect("it is there")
    }

    fn feed_forward(&self, layer: usize, rows: &Rows) -> Rows {
        let (gates, ups) = (self.multiplied(layer, "ffn_gate", rows), self.multiplied(layer, "ffn_up", rows));
        let gate = |x: f32| match self.config.gate_activation {
            GateActivation::Silu => x / (1.0 + (-x).exp()),
            GateActivation::Gelu => {
                let slope = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + slope.tanh())
            }
        };
        let gated = gates
            .iter()
            .zip(&ups)
            .map(|(gates, ups)| gates.iter().zip(ups).map(|(x, up)| gate(*x) * up).collect());
        self.multiplied(layer, "ffn_down", &gated.collect())
    }

    fn add(&self, layer: usize, norm: &str, rows: Rows, hidden: &mut Rows) {
        let norm = self.small(layer, &format!("{norm}.weight"));
        for (hidden, row) in hidden.iter_mut().zip(rows) {
            let row = norm.as_ref().map_or(row.clone(), |norm| self.norm(&row, norm));
            hidden.iter_mut().zip(row).for_each(|(number, added)| *number += added);
        }
    }

    fn normed(&self, layer: usize, name: &str, rows: &Rows) -> Rows {
        let norm = self.small(layer, &format!("{name}.weight")).expect("it is there");
        rows.iter().map(|row| self.norm(row, &norm)).collect()
    }

    fn norm(&self, row: &[f32], weights: &[f32]) -> Vec<f32> {
        let squares: f32 = row.iter().map(|number| number * number).sum();
        let scale = 1.0 / (squares / row.len() as f32 + self.config.norm_epsilon).sqrt();
        row.iter().zip(weights).map(|(number, weight)| number * scale * weight).collect()
    }

    fn multiplied(&self, layer: usize, name: &str, rows: &Rows) -> Rows {
        product(&self.small(layer, &format!("{name}.weight")).expect("it is there"), rows)
    }

    fn small(&self, layer: usize, name: &str) -> Option<Vec<f32>> {
        let name = format!("blk.{layer}.{name}");
        self.gguf.has_tensor(&name).then(|| self.gguf.floats(&name).expect("it is sound"))
    }
}

/// The product with rows that are quantized to bytes, as every engine of this kind does. Through six layers of random
/// weights that quantization alone leaves a cosine of 0.998.
fn product(matrix: &[f32], rows: &Rows) -> Rows {
    let multiply = |row: &Vec<f32>| {
        let row: Vec<f32> = row.chunks(32).flat_map(quantized).collect();
        let weights = matrix.chunks_exact(row.len());
        weights.map(|weights| weights.iter().zip(&row).map(|(w, x)| w * x).sum()).collect()
    };
    rows.iter().map(multiply).collect()
}

fn quantized(block: &[f32]) -> Vec<f32> {
    let step = block.iter().fold(0.0_f32, |largest, number| largest.max(number.abs())) / 127.0;
    block
        .iter()
        .map(|number| if step > 0.0 { (number / step).round_ties_even() * step } else { 0.0 })
        .collect()
}
