//! One forward pass: takes a batch of tokens through the layers to logits.

use domain::Cause;

use crate::compute::attention::attend::Attention;
use crate::compute::attention::heads::{Heads, SequenceRows};
use crate::compute::disjoint_slices::DisjointSlices;
use crate::compute::matrix::activations::Activations;
use crate::compute::matrix::matmul::{Product, matmul};
use crate::compute::matrix::packed_matrix::PackedMatrix;
use crate::compute::ops::{add, gated_linear_unit, rms_norm, rms_norm_in_place};
use crate::compute::rope::RopeTable;
use crate::kv_cache::blocks::{BLOCK_TOKENS, BlockId, KvBlocks, KvRows};
use crate::model::batch::SequenceTokens;
use crate::model::decoder::weights::{Layer, Network, Projection};

/// A batch on its way through the layers.
pub(super) struct ForwardPass<'a> {
    network: &'a Network,
    sequences: Vec<SequenceRows<'a>>,
    /// Of each row its KV block, and which of the block's tokens it is.
    slots: Vec<(BlockId, usize)>,
    /// Rows whose logits are wanted.
    logit_rows: Vec<usize>,
    /// For each row; of all layers, or of those that are not local.
    rope: RopeTable,
    local_rope: Option<RopeTable>,
    /// Rows of the residual stream, which the layers add to.
    hidden: Vec<f32>,
    /// Rows of what attention computed, all heads.
    attended: Vec<f32>,
    activations: Activations,
}

impl<'a> ForwardPass<'a> {
    /// Embeds the tokens of a batch. Fails if the model does not have one of them.
    pub(super) fn new(network: &'a Network, batch: &[SequenceTokens<'a>]) -> Result<Self, Cause> {
        let (mut tokens, mut positions) = (Vec::new(), Vec::new());
        let (mut sequences, mut slots, mut logit_rows) = (Vec::new(), Vec::new(), Vec::new());
        for &SequenceTokens { tokens: new, position, blocks, logits } in batch {
            let count = new.len();
            sequences.push(SequenceRows { start: tokens.len(), count, position, blocks });
            tokens.extend_from_slice(new);
            logit_rows.extend(tokens.len() - logits.min(count)..tokens.len());
            for position in position..position + count {
                positions.push(position);
                slots.push((blocks[position / BLOCK_TOKENS], position % BLOCK_TOKENS));
            }
        }
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= network.weights.embedding.rows) {
            return Err(format!("the model has no token {token}").into());
        }
        let config = &network.config;
        let mut pass = Self {
            network,
            sequences,
            slots,
            logit_rows,
            rope: config.rope.table(&positions),
            local_rope: config.local_attention.as_ref().map(|local| local.rope.table(&positions)),
            hidden: vec![0.0; tokens.len() * config.hidden_size],
            attended: Vec::new(),
            activations: Activations::default(),
        };
        pass.embed(&tokens);
        Ok(pass)
    }

    /// Computes all layers. Returns the wanted logits.
    pub(super) fn run(mut self, kv: &mut KvBlocks) -> Vec<Vec<f32>> {
        let network = self.network;
        let layers = &network.weights.layers;
        for (at, layer) in layers.iter().enumerate() {
            self.attention(at, layer, kv);
            if at + 1 == layers.len() {
                // After the last attention only rows that become logits are needed.
                self.keep_logit_rows();
            }
            self.attention_output(layer);
            self.feed_forward(layer);
        }
        self.logits()
    }

    fn embed(&mut self, tokens: &[u32]) {
        let Network { backend, config, weights, .. } = self.network;
        let width = config.hidden_size;
        let hidden = DisjointSlices::new(&mut self.hidden);
        backend.for_each_row_range(tokens.len(), width, |rows| {
            for row in rows {
                // SAFETY: every row is in one range.
                let output = unsafe { hidden.slice(row * width, width) };
                weights.embedding.dequantize_row(*backend, tokens[row] as usize, output);
                if config.embedding_scale != 1.0 {
                    output.iter_mut().for_each(|number| *number *= config.embedding_scale);
                }
            }
        });
    }

    fn rows(&self) -> usize {
        self.hidden.len() / self.network.config.hidden_size
    }

    /// Computes queries, keys and values of all rows, stores keys and values, and lets each row attend to those before.
    fn attention(&mut self, at: usize, layer: &Layer, kv: &mut KvBlocks) {
        let Network { backend, config, .. } = self.network;
        let (query, key, value) = (&layer.query, &layer.key, &layer.value);
        self.normalize(&layer.attention_norm, &[&query.matrix, &key.matrix, &value.matrix]);
        let rows = self.rows();
        let mut queries = vec![0.0; rows * query.matrix.rows];
        let mut keys = vec![0.0; rows * key.matrix.rows];
        let mut values = vec![0.0; rows * value.matrix.rows];
        matmul(
            *backend,
            &self.activations,
            &mut [
                Product::store(&query.matrix, &mut queries),
                Product::store(&key.matrix, &mut keys),
                Product::store(&value.matrix, &mut values),
            ],
        );
        let local = config.local_attention(at);
        let rope = match &self.local_rope {
            Some(local_rope) if local.is_some() => local_rope,
            _ => &self.rope,
        };
        self.finish_projection(query, &mut queries, Some(rope));
        self.finish_projection(key, &mut keys, Some(rope));
        self.finish_projection(value, &mut values, None);
        kv.write(*backend, at, KvRows { keys: &keys, values: &values }, |row| self.slots[row]);
        let heads = Heads {
            query_heads: config.query_heads,
            key_value_heads: config.key_value_heads,
            head_size: config.head_size,
            scale: config.attention_scale,
            window: local.map(|local| local.window),
        };
        self.attended.resize(queries.len(), 0.0);
        let attention = Attention { kv, layer: at, heads, sequences: &self.sequences, queries: &queries };
        attention.compute(*backend, &mut self.attended);
    }

    /// Applies bias, head norm and RoPE to the rows of a projection.
    fn finish_projection(&self, projection: &Projection, numbers: &mut [f32], rope: Option<&RopeTable>) {
        let Network { backend, config, .. } = self.network;
        let width = projection.matrix.rows;
        let numbers = DisjointSlices::new(numbers);
        backend.for_each_row_range(self.rows(), width, |rows| {
            for row in rows {
                // SAFETY: every row is in one range.
                let numbers = unsafe { numbers.slice(row * width, width) };
                if let Some(bias) = &projection.bias {
                    add(numbers, bias);
                }
                if let Some(norm) = &projection.head_norm {
                    for head in numbers.chunks_exact_mut(config.head_size) {
                        rms_norm_in_place(*backend, head, norm, config.norm_epsilon);
                    }
                }
                if let Some(rope) = rope {
                    rope.apply(row, numbers);
                }
            }
        });
    }

    /// Drops all rows but those whose logits are wanted. What follows computes each row by itself.
    fn keep_logit_rows(&mut self) {
        let keep = |numbers: &mut Vec<f32>, width: usize| {
            for (to, &from) in self.logit_rows.iter().enumerate() {
                numbers.copy_within(from * width..(from + 1) * width, to * width);
            }
            numbers.truncate(self.logit_rows.len() * width);
        };
        let config = &self.network.config;
        keep(&mut self.hidden, config.hidden_size);
        keep(&mut self.attended, config.query_heads * config.head_size);
    }

    fn attention_output(&mut self, layer: &Layer) {
        let matrix = &layer.attention_output;
        let (rows, width) = (self.rows(), matrix.columns);
        let format = PackedMatrix::activation_format(&[matrix]);
        let attended = &self.attended;
        self.activations.quantize(self.network.backend, (rows, width), format, |row, output| {
            output.copy_from_slice(&attended[row * width..(row + 1) * width]);
        });
        self.add_product(matrix, layer.post_attention_norm.as_deref());
    }

    fn feed_forward(&mut self, layer: &Layer) {
        let Network { backend, config, .. } = self.network;
        self.normalize(&layer.feed_forward_norm, &[&layer.gate, &layer.up]);
        let (rows, width) = (self.rows(), config.feed_forward_size);
        let (mut gates, mut ups) = (vec![0.0; rows * width], vec![0.0; rows * width]);
        matmul(
            *backend,
            &self.activations,
            &mut [Product::store(&layer.gate, &mut gates), Product::store(&layer.up, &mut ups)],
        );
        let format = PackedMatrix::activation_format(&[&layer.down]);
        self.activations.quantize(*backend, (rows, width), format, |row, output| {
            let row = row * width..(row + 1) * width;
            gated_linear_unit(*backend, config.gate_activation, &gates[row.clone()], &ups[row], output);
        });
        self.add_product(&layer.down, layer.post_feed_forward_norm.as_deref());
    }

    /// Quantizes the normalized hidden rows, to be multiplied with `matrices`.
    fn normalize(&mut self, weight: &[f32], matrices: &[&PackedMatrix]) {
        let Network { backend, config, .. } = self.network;
        let (rows, width) = (self.rows(), config.hidden_size);
        let format = PackedMatrix::activation_format(matrices);
        let hidden = &self.hidden;
        self.activations.quantize(*backend, (rows, width), format, |row, output| {
            let row = &hidden[row * width..(row + 1) * width];
            rms_norm(*backend, row, weight, config.norm_epsilon, output);
        });
    }

    /// Adds the product of the activations and `matrix` to the hidden rows, normalized where the family has a norm.
    fn add_product(&mut self, matrix: &PackedMatrix, norm: Option<&[f32]>) {
        let Network { backend, config, .. } = self.network;
        let Some(norm) = norm else {
            let product = Product::accumulate(matrix, &mut self.hidden);
            return matmul(*backend, &self.activations, &mut [product]);
        };
        let mut product = vec![0.0; self.hidden.len()];
        matmul(*backend, &self.activations, &mut [Product::store(matrix, &mut product)]);
        let width = config.hidden_size;
        for (hidden, product) in self.hidden.chunks_exact_mut(width).zip(product.chunks_exact_mut(width)) {
            rms_norm_in_place(*backend, product, norm, config.norm_epsilon);
            add(hidden, product);
        }
    }

    /// The logits of the rows that are left.
    fn logits(mut self) -> Vec<Vec<f32>> {
        let Network { backend, weights, vocabulary, .. } = self.network;
        if self.logit_rows.is_empty() {
            return Vec::new();
        }
        let output = weights.output.as_ref().unwrap_or(&weights.embedding);
        self.normalize(&weights.output_norm, &[output]);
        let mut logits = vec![0.0; self.logit_rows.len() * output.rows];
        matmul(*backend, &self.activations, &mut [Product::store(output, &mut logits)]);
        // Rows beyond the vocabulary are padding of the embedding.
        logits.chunks_exact(output.rows).map(|row| row[..*vocabulary].to_vec()).collect()
    }
}
