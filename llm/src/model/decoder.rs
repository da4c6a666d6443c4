//! The network of all families that are decoders with rotated attention and a gated feed-forward layer.
//!
//! One step takes any number of sequences, each with any number of new tokens: the products of matrices run over all
//! their tokens together, attention over each sequence for itself. What is computed for a token does not depend on
//! what else is in the step, to the last bit: every row is summed in the same order, alone or among others.

use std::io;

use candle_core::quantized::gguf_file::TensorInfo;

use crate::LoadError;
use crate::attention::{Heads, Rows, attend};
use crate::cache::{BLOCK_TOKENS, BlockId, KvStore};
use crate::gguf::{Gguf, Tensor};
use crate::matrix::{Activations, Arena, Matrix, Target, multiply};
use crate::ops::{add, gated, rms_norm, rms_norm_in_place};
use crate::processor::{Processor, Shared};
use crate::rotation::Turns;
use crate::shape::Shape;

/// New tokens of one sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// At least one.
    pub(crate) tokens: &'a [u32],
    /// The position of the first of them; everything before is in the store.
    pub(crate) position: usize,
    /// Where the sequence's keys and values are, with room for these tokens.
    pub(crate) blocks: &'a [BlockId],
    /// For how many of the last tokens logits are wanted.
    pub(crate) logits: usize,
}

/// A model's weights, ready to compute with.
pub(crate) struct Decoder {
    processor: Processor,
    shape: Shape,
    vocabulary: usize,
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// `None` where the embedding is used for it.
    output: Option<Matrix>,
}

struct Layer {
    attention_norm: Vec<f32>,
    queries: Projection,
    keys: Projection,
    values: Projection,
    attention_output: Matrix,
    after_attention: Option<Vec<f32>>,
    feed_norm: Vec<f32>,
    gate: Matrix,
    up: Matrix,
    down: Matrix,
    after_feed: Option<Vec<f32>>,
}

/// What makes queries, keys or values.
struct Projection {
    matrix: Matrix,
    bias: Option<Vec<f32>>,
    /// Weights of a norm over each head.
    norm: Option<Vec<f32>>,
}

impl Decoder {
    /// Reads the tensors of a file that [`Shape::read`] found sound, one at a time.
    pub(crate) fn load(
        processor: Processor,
        gguf: &Gguf,
        shape: Shape,
        vocabulary: usize,
    ) -> Result<Self, LoadError> {
        let arena = Arena::new(gguf.content.tensor_infos.values().filter_map(packed_bytes))?;
        let mut tensors = Tensors { processor, gguf, arena, head_size: shape.head_size };
        let layers = (0..shape.layers).map(|layer| tensors.layer(layer, &shape)).collect::<Result<_, _>>()?;
        let decoder = Self {
            processor,
            embedding: tensors.matrix("token_embd.weight")?,
            output: gguf.has_tensor("output.weight").then(|| tensors.matrix("output.weight")).transpose()?,
            norm: gguf.floats("output_norm.weight")?,
            layers,
            vocabulary,
            shape,
        };
        tensors.tell_what_was_recoded();
        tracing::info!(
            weight_bytes = decoder.weight_bytes(),
            instructions = ?processor.instructions(),
            "the model's weights are in memory"
        );
        Ok(decoder)
    }

    /// Room for the keys and values of `blocks` blocks of this model.
    pub(crate) fn store(&self, blocks: usize) -> KvStore {
        KvStore::new(blocks, self.shape.layers, self.shape.key_value_heads, self.shape.head_size)
    }

    /// Bytes that the weights take in memory.
    fn weight_bytes(&self) -> usize {
        let layers = self.layers.iter().flat_map(Layer::matrices);
        layers.chain([&self.embedding]).chain(&self.output).map(Matrix::bytes).sum()
    }

    /// Computes the tokens of `parts`, and stores their keys and values. Returns the logits that were asked for, in
    /// the order of the parts, each with one number per token of the vocabulary. The error names a token that the
    /// model does not have.
    pub(crate) fn forward(&self, store: &mut KvStore, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, String> {
        let mut step = Step::new(self, parts)?;
        for (at, layer) in self.layers.iter().enumerate() {
            step.attention(at, layer, store);
            if at + 1 == self.layers.len() {
                // Of the last layer's outcome nothing is needed but what becomes logits.
                step.keep_wanted();
            }
            step.attention_output(layer);
            step.feed_forward(layer);
        }
        Ok(step.logits())
    }
}

impl Layer {
    fn matrices(&self) -> [&Matrix; 7] {
        let Self { queries, keys, values, attention_output, gate, up, down, .. } = self;
        [&queries.matrix, &keys.matrix, &values.matrix, attention_output, gate, up, down]
    }
}

/// One pass of some tokens through the layers.
struct Step<'a> {
    decoder: &'a Decoder,
    parts: Vec<Rows<'a>>,
    /// The block and the place in it of each row.
    places: Vec<(BlockId, usize)>,
    /// Rows whose logits are wanted.
    wanted: Vec<usize>,
    /// Turns at each row's position, of all layers or of those that see everything.
    turns: Turns,
    local_turns: Option<Turns>,
    /// What the layers add to: rows of hidden numbers.
    hidden: Vec<f32>,
    /// What attention gave: rows of all heads.
    attended: Vec<f32>,
    activations: Activations,
}

impl<'a> Step<'a> {
    fn new(decoder: &'a Decoder, parts: &[Part<'a>]) -> Result<Self, String> {
        let (mut tokens, mut positions) = (Vec::new(), Vec::new());
        let (mut rows, mut places, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            let count = part.tokens.len();
            rows.push(Rows { start: tokens.len(), count, position: part.position, blocks: part.blocks });
            tokens.extend_from_slice(part.tokens);
            wanted.extend(tokens.len() - part.logits.min(count)..tokens.len());
            for position in part.position..part.position + count {
                positions.push(position);
                places.push((part.blocks[position / BLOCK_TOKENS], position % BLOCK_TOKENS));
            }
        }
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= decoder.embedding.rows) {
            return Err(format!("the model has no token {token}"));
        }
        let local = decoder.shape.local.as_ref();
        let mut step = Self {
            decoder,
            parts: rows,
            places,
            wanted,
            turns: decoder.shape.rotation.at(&positions),
            local_turns: local.map(|(_, rotation)| rotation.at(&positions)),
            hidden: vec![0.0; tokens.len() * decoder.shape.hidden_size],
            attended: Vec::new(),
            activations: Activations::default(),
        };
        step.embed(&tokens);
        Ok(step)
    }

    fn embed(&mut self, tokens: &[u32]) {
        let Decoder { processor, embedding, shape, .. } = self.decoder;
        let width = shape.hidden_size;
        let hidden = Shared::new(&mut self.hidden);
        processor.each_row(tokens.len(), width, |rows| {
            for row in rows {
                // SAFETY: every row is in one range.
                let into = unsafe { hidden.slice(row * width, width) };
                embedding.row(*processor, tokens[row] as usize, into);
                if shape.embedding_scale != 1.0 {
                    into.iter_mut().for_each(|number| *number *= shape.embedding_scale);
                }
            }
        });
    }

    fn rows(&self) -> usize {
        self.hidden.len() / self.decoder.shape.hidden_size
    }

    /// Queries, keys and values of all rows; then each row looks at those before it.
    fn attention(&mut self, at: usize, layer: &Layer, store: &mut KvStore) {
        let Decoder { processor, shape, .. } = self.decoder;
        let rows = self.rows();
        let Layer { queries, keys, values, .. } = layer;
        self.normalize(&layer.attention_norm, &[&queries.matrix, &keys.matrix, &values.matrix]);
        let mut queries = vec![0.0; rows * layer.queries.matrix.rows];
        let mut keys = vec![0.0; rows * layer.keys.matrix.rows];
        let mut values = vec![0.0; rows * layer.values.matrix.rows];
        multiply(
            *processor,
            &self.activations,
            &mut [
                Target::set(&layer.queries.matrix, &mut queries),
                Target::set(&layer.keys.matrix, &mut keys),
                Target::set(&layer.values.matrix, &mut values),
            ],
        );
        let (window, _) = shape.sight(at);
        let turns = match &self.local_turns {
            Some(local) if window.is_some() => local,
            _ => &self.turns,
        };
        self.settle(&layer.queries, &mut queries, Some(turns));
        self.settle(&layer.keys, &mut keys, Some(turns));
        self.settle(&layer.values, &mut values, None);
        store.write(*processor, at, &keys, &values, |row| self.places[row]);
        let heads = Heads {
            queries: shape.heads,
            keys: shape.key_value_heads,
            size: shape.head_size,
            scale: shape.attention_scale,
            window,
        };
        self.attended.resize(queries.len(), 0.0);
        attend(*processor, store, at, heads, &self.parts, &queries, &mut self.attended);
    }

    /// Bias, norm and turn of one projection's rows.
    fn settle(&self, projection: &Projection, numbers: &mut [f32], turns: Option<&Turns>) {
        let Decoder { processor, shape, .. } = self.decoder;
        let width = projection.matrix.rows;
        let numbers = Shared::new(numbers);
        processor.each_row(self.rows(), width, |rows| {
            for row in rows {
                // SAFETY: every row is in one range.
                let numbers = unsafe { numbers.slice(row * width, width) };
                if let Some(bias) = &projection.bias {
                    add(numbers, bias);
                }
                if let Some(norm) = &projection.norm {
                    for head in numbers.chunks_exact_mut(shape.head_size) {
                        rms_norm_in_place(*processor, head, norm, shape.norm_epsilon);
                    }
                }
                if let Some(turns) = turns {
                    turns.apply(row, numbers);
                }
            }
        });
    }

    /// Leaves the rows whose logits are wanted. What follows is of single rows.
    fn keep_wanted(&mut self) {
        let keep = |numbers: &mut Vec<f32>, width: usize| {
            for (to, &from) in self.wanted.iter().enumerate() {
                numbers.copy_within(from * width..(from + 1) * width, to * width);
            }
            numbers.truncate(self.wanted.len() * width);
        };
        let shape = &self.decoder.shape;
        keep(&mut self.hidden, shape.hidden_size);
        keep(&mut self.attended, shape.heads * shape.head_size);
    }

    fn attention_output(&mut self, layer: &Layer) {
        let (attended, rows) = (std::mem::take(&mut self.attended), self.rows());
        let width = layer.attention_output.columns;
        let rounding = Matrix::rounding(&[&layer.attention_output]);
        self.activations.fill(self.decoder.processor, rows, width, rounding, |row, into| {
            into.copy_from_slice(&attended[row * width..(row + 1) * width]);
        });
        self.attended = attended;
        self.add_product(&layer.attention_output, layer.after_attention.as_deref());
    }

    fn feed_forward(&mut self, layer: &Layer) {
        let Decoder { processor, shape, .. } = self.decoder;
        let (rows, width) = (self.rows(), shape.feed_forward_size);
        self.normalize(&layer.feed_norm, &[&layer.gate, &layer.up]);
        let (mut gates, mut ups) = (vec![0.0; rows * width], vec![0.0; rows * width]);
        multiply(
            *processor,
            &self.activations,
            &mut [Target::set(&layer.gate, &mut gates), Target::set(&layer.up, &mut ups)],
        );
        let rounding = Matrix::rounding(&[&layer.down]);
        self.activations.fill(*processor, rows, width, rounding, |row, into| {
            let row = row * width..(row + 1) * width;
            gated(*processor, shape.gate, &gates[row.clone()], &ups[row], into);
        });
        self.add_product(&layer.down, layer.after_feed.as_deref());
    }

    /// Fills the activations with the hidden rows under a norm, to be multiplied with `matrices`.
    fn normalize(&mut self, weight: &[f32], matrices: &[&Matrix]) {
        let Decoder { processor, shape, .. } = self.decoder;
        let (rows, width) = (self.rows(), shape.hidden_size);
        let hidden = &self.hidden;
        self.activations.fill(*processor, rows, width, Matrix::rounding(matrices), |row, into| {
            rms_norm(*processor, &hidden[row * width..(row + 1) * width], weight, shape.norm_epsilon, into);
        });
    }

    /// Adds the product of the activations and `matrix` to the hidden rows, under a norm where the family has one.
    fn add_product(&mut self, matrix: &Matrix, norm: Option<&[f32]>) {
        let Decoder { processor, shape, .. } = self.decoder;
        let Some(norm) = norm else {
            let target = Target::add(matrix, &mut self.hidden);
            return multiply(*processor, &self.activations, &mut [target]);
        };
        let mut product = vec![0.0; self.hidden.len()];
        multiply(*processor, &self.activations, &mut [Target::set(matrix, &mut product)]);
        let width = shape.hidden_size;
        for (hidden, product) in self.hidden.chunks_exact_mut(width).zip(product.chunks_exact_mut(width)) {
            rms_norm_in_place(*processor, product, norm, shape.norm_epsilon);
            add(hidden, product);
        }
    }

    /// The logits of the rows that are left.
    fn logits(mut self) -> Vec<Vec<f32>> {
        let decoder = self.decoder;
        if self.wanted.is_empty() {
            return Vec::new();
        }
        let output = decoder.output.as_ref().unwrap_or(&decoder.embedding);
        self.normalize(&decoder.norm, &[output]);
        let mut logits = vec![0.0; self.wanted.len() * output.rows];
        multiply(decoder.processor, &self.activations, &mut [Target::set(output, &mut logits)]);
        // Rows beyond the vocabulary are padding of the embedding.
        logits.chunks_exact(output.rows).map(|row| row[..decoder.vocabulary].to_vec()).collect()
    }
}

/// Bytes that a tensor takes as a matrix; nothing if it is none.
fn packed_bytes(info: &TensorInfo) -> Option<usize> {
    match info.shape.dims() {
        [rows, columns] => Some(Matrix::packed_bytes(info.ggml_dtype, *rows, *columns)),
        _ => None,
    }
}

/// A file's tensors on their way into memory.
struct Tensors<'a> {
    processor: Processor,
    gguf: &'a Gguf,
    arena: Arena,
    head_size: usize,
}

impl Tensors<'_> {
    fn layer(&mut self, layer: usize, shape: &Shape) -> Result<Layer, LoadError> {
        let name = |name: &str| format!("blk.{layer}.{name}.weight");
        let turned = shape.family.interleaves_rotation();
        Ok(Layer {
            attention_norm: self.gguf.floats(&name("attn_norm"))?,
            queries: self.projection(layer, "attn_q", turned)?,
            keys: self.projection(layer, "attn_k", turned)?,
            values: self.projection(layer, "attn_v", false)?,
            attention_output: self.matrix(&name("attn_output"))?,
            after_attention: self.norm(&name("post_attention_norm"))?,
            feed_norm: self.gguf.floats(&name("ffn_norm"))?,
            gate: self.matrix(&name("ffn_gate"))?,
            up: self.matrix(&name("ffn_up"))?,
            down: self.matrix(&name("ffn_down"))?,
            after_feed: self.norm(&name("post_ffw_norm"))?,
        })
    }

    fn matrix(&mut self, name: &str) -> Result<Matrix, LoadError> {
        let tensor = self.gguf.tensor(name)?;
        self.pack(&tensor, |first, into| tensor.read(first, into))
    }

    fn norm(&self, name: &str) -> Result<Option<Vec<f32>>, LoadError> {
        self.gguf.has_tensor(name).then(|| self.gguf.floats(name)).transpose()
    }

    fn projection(&mut self, layer: usize, name: &str, interleaved: bool) -> Result<Projection, LoadError> {
        let name = format!("blk.{layer}.{name}");
        let norm = self.norm(&format!("{name}_norm.weight"))?;
        let bias = self.norm(&format!("{name}.bias"))?;
        let weight = format!("{name}.weight");
        if !interleaved {
            return Ok(Projection { matrix: self.matrix(&weight)?, bias, norm });
        }
        let tensor = self.gguf.tensor(&weight)?;
        let head_size = self.head_size;
        let source = |row| interleaved_row(row, head_size);
        let bias = bias.map(|bias| (0..bias.len()).map(|row| bias[source(row)]).collect());
        let matrix = self.pack(&tensor, |first, into| {
            let mut rows = (first..).zip(into.chunks_exact_mut(tensor.row_bytes()));
            rows.try_for_each(|(row, into)| tensor.read(source(row), into))
        })?;
        Ok(Projection { matrix, bias, norm })
    }

    fn pack(
        &mut self,
        tensor: &Tensor<'_>,
        read: impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync,
    ) -> Result<Matrix, LoadError> {
        let [rows, columns] = tensor.info.shape.dims() else {
            return Err(LoadError::Malformed("a matrix has two dimensions".to_owned()));
        };
        Matrix::pack(self.processor, &mut self.arena, tensor.info.ggml_dtype, (*rows, *columns), read)
    }

    fn tell_what_was_recoded(&self) {
        let tensors = self.gguf.content.tensor_infos.values();
        let slow = tensors.filter(|info| info.shape.rank() == 2 && Matrix::recodes(info.ggml_dtype));
        let mut formats: Vec<String> = slow.map(|info| format!("{:?}", info.ggml_dtype)).collect();
        formats.sort();
        formats.dedup();
        if !formats.is_empty() {
            tracing::info!(
                formats = formats.join(", "),
                "weights were brought to Q8_0, which multiplies faster"
            );
        }
    }
}

/// Where a file that interleaves rotation has row `row` of a matrix in the order that [`Turns`] turns them in: of each
/// head first the even rows, then the odd ones.
fn interleaved_row(row: usize, head_size: usize) -> usize {
    let (head, within) = (row / head_size, row % head_size);
    let half = head_size / 2;
    head * head_size + within % half * 2 + within / half
}

#[cfg(test)]
mod tests;
