//! What a model is by its file's metadata, and whether its tensors are what that needs.
//!
//! Owns the list of families, and what makes each of them different. After these checks every tensor that the
//! [decoder](crate::decoder) asks for is there, in the shape it needs, and every number that memory is reserved by
//! is one that the file's own tensors confirm.

use crate::LoadError;
use crate::gguf::Gguf;
use crate::ops::Gate;
use crate::rotation::{Rotation, Scaling};

/// The families that the decoder knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Llama 2 and 3, SmolLM2, Mistral, Solar, Kanana, Bllossom.
    Llama,
    /// Qwen2 and Qwen2.5.
    Qwen2,
    /// Qwen3 without experts.
    Qwen3,
    /// The text part of Gemma 3.
    Gemma3,
    /// EXAONE 3 and 3.5.
    Exaone,
}

impl Family {
    const ALL: [Self; 5] = [Self::Llama, Self::Qwen2, Self::Qwen3, Self::Gemma3, Self::Exaone];

    /// Its name in GGUF, which also begins its metadata keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gemma3 => "gemma3",
            Self::Exaone => "exaone",
        }
    }

    /// The family that GGUF calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Whether the rows of its query and key matrices lie so that neighbours are turned together, as llama.cpp
    /// writes Llama's; all others turn a number with the one half a head further.
    pub(crate) fn interleaves_rotation(self) -> bool {
        self == Self::Llama
    }

    /// Gemma 3's local layers: five of six see a window of keys, and turn by a base of their own.
    const LOCAL_PATTERN: usize = 6;
}

/// A decoder's sizes and its family's ways.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) family: Family,
    /// Positions the model was trained for.
    pub(crate) context_tokens: usize,
    pub(crate) layers: usize,
    pub(crate) hidden_size: usize,
    pub(crate) feed_forward_size: usize,
    /// Heads of queries.
    pub(crate) heads: usize,
    /// Heads of keys and values.
    pub(crate) key_value_heads: usize,
    /// Numbers of one head.
    pub(crate) head_size: usize,
    pub(crate) norm_epsilon: f32,
    /// What embeddings are multiplied with.
    pub(crate) embedding_scale: f32,
    /// What the product of a query and a key is multiplied with.
    pub(crate) attention_scale: f32,
    pub(crate) gate: Gate,
    pub(crate) rotation: Rotation,
    /// The window of local layers, and how they turn.
    pub(crate) local: Option<(usize, Rotation)>,
}

/// More than any model has.
pub(crate) const MAX_LAYERS: usize = 1024;

impl Shape {
    /// Reads the sizes of a model of `family` and checks all tensors against them. `vocabulary` is the number of tokens.
    pub(crate) fn read(gguf: &Gguf, family: Family, vocabulary: usize) -> Result<Self, LoadError> {
        let name = family.name();
        if gguf.number(&format!("{name}.expert_count"))?.unwrap_or(0) > 1 {
            return Err(LoadError::UnsupportedArchitecture(format!("{name} with experts")));
        }
        let size = |key: &str| size_under(gguf, &format!("{name}.{key}"));
        let (hidden_size, heads) = (size("embedding_length")?, size("attention.head_count")?);
        let key_value_heads = size("attention.head_count_kv")?;
        let head_size = head_size(gguf, name, hidden_size, heads)?;
        if !heads.is_multiple_of(key_value_heads) {
            let sizes = format!("{heads} heads, {key_value_heads} for keys and values");
            return Err(LoadError::Malformed(format!("its sizes do not go together: {sizes}")));
        }
        let layers = size("block_count")?;
        if layers > MAX_LAYERS {
            return Err(LoadError::Malformed(format!("it announces more than {MAX_LAYERS} layers")));
        }
        let gemma = family == Family::Gemma3;
        // Gemma 3's largest model alone scales by the size that heads would have without one of their own.
        let attention_size =
            if gemma && layers == 62 { hidden_size as f32 / heads as f32 } else { head_size as f32 };
        let shape = Self {
            family,
            context_tokens: size("context_length")?,
            layers,
            hidden_size,
            feed_forward_size: size("feed_forward_length")?,
            heads,
            key_value_heads,
            head_size,
            norm_epsilon: gguf.float(&format!("{name}.attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-5),
            embedding_scale: if gemma { (hidden_size as f32).sqrt() } else { 1.0 },
            attention_scale: attention_size.sqrt().recip(),
            gate: if gemma { Gate::Gelu } else { Gate::Silu },
            rotation: rotation(gguf, family, head_size)?,
            local: if gemma { local(gguf, name, head_size)? } else { None },
        };
        shape.check_tensors(gguf, vocabulary)?;
        Ok(shape)
    }

    /// The window of keys that `layer` sees, and how it turns.
    pub(crate) fn sight(&self, layer: usize) -> (Option<usize>, &Rotation) {
        match &self.local {
            Some((window, rotation)) if !(layer + 1).is_multiple_of(Family::LOCAL_PATTERN) => {
                (Some(*window), rotation)
            }
            _ => (None, &self.rotation),
        }
    }

    fn check_tensors(&self, gguf: &Gguf, vocabulary: usize) -> Result<(), LoadError> {
        check_vocabulary_rows(gguf, "token_embd.weight", self.hidden_size, vocabulary)?;
        if gguf.has_tensor("output.weight") {
            check_vocabulary_rows(gguf, "output.weight", self.hidden_size, vocabulary)?;
        }
        check(gguf, "output_norm.weight", &[self.hidden_size])?;
        for layer in 0..self.layers {
            for (name, dimensions, needed) in self.layer_tensors() {
                let name = format!("blk.{layer}.{name}");
                if needed || gguf.has_tensor(&name) {
                    check(gguf, &name, &dimensions)?;
                }
            }
        }
        self.check_nothing_is_left_out(gguf)
    }

    /// Tensors of one layer, row length last, and whether the family cannot do without them.
    fn layer_tensors(&self) -> Vec<(&'static str, Vec<usize>, bool)> {
        let (hidden, feed) = (self.hidden_size, self.feed_forward_size);
        let (queries, keys) = (self.heads * self.head_size, self.key_value_heads * self.head_size);
        let has_bias = self.family == Family::Qwen2;
        let has_head_norm = matches!(self.family, Family::Qwen3 | Family::Gemma3);
        let mut tensors = vec![
            ("attn_norm.weight", vec![hidden], true),
            ("attn_q.weight", vec![queries, hidden], true),
            ("attn_k.weight", vec![keys, hidden], true),
            ("attn_v.weight", vec![keys, hidden], true),
            ("attn_output.weight", vec![hidden, queries], true),
            ("ffn_norm.weight", vec![hidden], true),
            ("ffn_gate.weight", vec![feed, hidden], true),
            ("ffn_up.weight", vec![feed, hidden], true),
            ("ffn_down.weight", vec![hidden, feed], true),
            ("attn_q.bias", vec![queries], has_bias),
            ("attn_k.bias", vec![keys], has_bias),
            ("attn_v.bias", vec![keys], has_bias),
        ];
        if has_head_norm {
            tensors.push(("attn_q_norm.weight", vec![self.head_size], true));
            tensors.push(("attn_k_norm.weight", vec![self.head_size], true));
        }
        if self.family == Family::Gemma3 {
            tensors.push(("post_attention_norm.weight", vec![hidden], true));
            tensors.push(("post_ffw_norm.weight", vec![hidden], true));
        }
        tensors
    }

    /// A tensor that the decoder does not read would quietly make it another model.
    fn check_nothing_is_left_out(&self, gguf: &Gguf) -> Result<(), LoadError> {
        const OF_THE_WHOLE: [&str; 4] =
            ["token_embd.weight", "output.weight", "output_norm.weight", "rope_freqs.weight"];
        let known = self.layer_tensors();
        let is_read = |name: &str| {
            let in_layer = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
            in_layer.is_some_and(|(_, name)| known.iter().any(|(known, ..)| *known == name))
        };
        for name in gguf.tensor_names() {
            if !OF_THE_WHOLE.contains(&name) && !is_read(name) {
                let family = self.family.name();
                return Err(LoadError::UnsupportedArchitecture(format!("{family} with `{name}`")));
            }
        }
        Ok(())
    }
}

/// The size of heads: named, or what the embedding's numbers make of them.
fn head_size(gguf: &Gguf, name: &str, hidden_size: usize, heads: usize) -> Result<usize, LoadError> {
    let of = |key: &str| gguf.number(&format!("{name}.attention.{key}"));
    let size = match (of("key_length")?, of("value_length")?) {
        (Some(key), Some(value)) if key != value => {
            return Err(LoadError::Malformed(format!("its keys have {key} numbers and its values {value}")));
        }
        (Some(size), _) | (None, Some(size)) => usize::try_from(size).unwrap_or(usize::MAX),
        (None, None) if hidden_size.is_multiple_of(heads) => hidden_size / heads,
        (None, None) => {
            return Err(LoadError::Malformed(format!("{hidden_size} numbers make no {heads} heads")));
        }
    };
    let rotated = gguf.number(&format!("{name}.rope.dimension_count"))?.unwrap_or(size as u64);
    if rotated != size as u64 {
        return Err(LoadError::Malformed(format!("it rotates {rotated} of {size} dimensions")));
    }
    // A vector has sixteen numbers, and no family that people run has other heads.
    if size == 0 || !size.is_multiple_of(16) || size > 1 << 12 {
        return Err(LoadError::Malformed(format!(
            "its heads have {size} numbers, which is no multiple of 16"
        )));
    }
    Ok(size)
}

fn rotation(gguf: &Gguf, family: Family, head_size: usize) -> Result<Rotation, LoadError> {
    let name = family.name();
    let float = |key: &str| gguf.float(&format!("{name}.rope.{key}"));
    let default_base = if family == Family::Gemma3 { 1_000_000.0 } else { 10_000.0 };
    let base = float("freq_base")?.unwrap_or(default_base);
    let factor = match float("scaling.factor")? {
        Some(factor) if factor > 0.0 => factor,
        _ => 1.0,
    };
    let scaling = match gguf.text(&format!("{name}.rope.scaling.type"))? {
        None | Some("none") => Scaling::None,
        Some("linear") => Scaling::Linear { factor },
        Some("yarn") => {
            let key = format!("{name}.rope.scaling.original_context_length");
            Scaling::Yarn { factor, trained_tokens: size_under(gguf, &key)? as f32 }
        }
        Some(other) => {
            return Err(LoadError::UnsupportedArchitecture(format!("{name} with `{other}` rotation")));
        }
    };
    let rotation = Rotation::new(base, head_size, scaling);
    let key = "rope_freqs.weight";
    if !gguf.has_tensor(key) {
        return Ok(rotation);
    }
    check(gguf, key, &[head_size / 2])?;
    Ok(rotation.divided_by(&gguf.floats(key)?))
}

fn local(gguf: &Gguf, name: &str, head_size: usize) -> Result<Option<(usize, Rotation)>, LoadError> {
    let key = format!("{name}.attention.sliding_window");
    if gguf.number(&key)?.is_none() {
        return Ok(None);
    }
    let base = gguf.float(&format!("{name}.rope.local_freq_base"))?.unwrap_or(10_000.0);
    Ok(Some((size_under(gguf, &key)?, Rotation::new(base, head_size, Scaling::None))))
}

/// A size of at least 1 that fits in 32 bits, so that sums and products of two fit in 64.
pub(crate) fn size_under(gguf: &Gguf, key: &str) -> Result<usize, LoadError> {
    let number = gguf.number(key)?.ok_or_else(|| LoadError::Malformed(format!("`{key}` is missing")))?;
    match u32::try_from(number) {
        Ok(size @ 1..) => Ok(size as usize),
        _ => Err(LoadError::Malformed(format!("`{key}` is {number}"))),
    }
}

fn dimensions<'a>(gguf: &'a Gguf, name: &str) -> Result<&'a [usize], LoadError> {
    let tensor = gguf.content.tensor_infos.get(name);
    tensor
        .map(|tensor| tensor.shape.dims())
        .ok_or_else(|| LoadError::Malformed(format!("tensor `{name}` is missing")))
}

fn check(gguf: &Gguf, name: &str, expected: &[usize]) -> Result<(), LoadError> {
    let found = dimensions(gguf, name)?;
    if found != expected {
        return Err(LoadError::Malformed(format!("tensor `{name}` is {found:?}, not {expected:?}")));
    }
    Ok(())
}

/// Embeddings have a row per token; some files round the number of rows up.
pub(crate) fn check_vocabulary_rows(
    gguf: &Gguf,
    name: &str,
    hidden_size: usize,
    vocabulary: usize,
) -> Result<(), LoadError> {
    match dimensions(gguf, name)? {
        [rows, row] if *rows >= vocabulary && *row == hidden_size => Ok(()),
        other => Err(LoadError::Malformed(format!("tensor `{name}` is {other:?} for {vocabulary} tokens"))),
    }
}
