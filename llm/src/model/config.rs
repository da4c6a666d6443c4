//! Reads a decoder's config from the metadata of its file: its sizes, and what is special about its family.
//!
//! After this and [`tensor_checks`](crate::model::tensor_checks), every tensor that the decoder asks for exists with
//! the dimensions it needs, and every size that memory is reserved by is confirmed by the file's own tensors.

use crate::compute::ops::GateActivation;
use crate::compute::rope::{Rope, RopeScaling};
use crate::error::LoadError;
use crate::model::family::Family;
use crate::model::gguf::file::GgufFile;

/// More layers than any model has.
pub(crate) const MAX_LAYERS: usize = 1024;

/// In Gemma 3 every sixth layer sees all keys; the others are local: they see a window of keys, with a RoPE of their
/// own.
const LOCAL_PATTERN: usize = 6;

/// The config of a decoder.
#[derive(Debug, Clone)]
pub(crate) struct ModelConfig {
    pub(crate) family: Family,
    /// Positions the model was trained for.
    pub(crate) context_tokens: usize,
    pub(crate) layers: usize,
    pub(crate) hidden_size: usize,
    pub(crate) feed_forward_size: usize,
    pub(crate) query_heads: usize,
    pub(crate) key_value_heads: usize,
    /// Numbers of one head.
    pub(crate) head_size: usize,
    pub(crate) norm_epsilon: f32,
    /// What embeddings are multiplied with.
    pub(crate) embedding_scale: f32,
    /// What the product of a query and a key is multiplied with.
    pub(crate) attention_scale: f32,
    pub(crate) gate_activation: GateActivation,
    pub(crate) rope: Rope,
    pub(crate) local_attention: Option<LocalAttention>,
}

/// The attention of local layers.
#[derive(Debug, Clone)]
pub(crate) struct LocalAttention {
    /// How many keys a query sees, its own included.
    pub(crate) window: usize,
    pub(crate) rope: Rope,
}

impl ModelConfig {
    /// Reads the config of a model of `family`.
    pub(crate) fn read(gguf: &GgufFile, family: Family) -> Result<Self, LoadError> {
        let name = family.name();
        if gguf.number(&format!("{name}.expert_count"))?.unwrap_or(0) > 1 {
            return Err(LoadError::UnsupportedArchitecture(format!("{name} with experts")));
        }
        let size = |key: &str| gguf.size(&format!("{name}.{key}"));
        let (hidden_size, query_heads) = (size("embedding_length")?, size("attention.head_count")?);
        let key_value_heads = size("attention.head_count_kv")?;
        let head_size = head_size(gguf, name, hidden_size, query_heads)?;
        if !query_heads.is_multiple_of(key_value_heads) {
            return Err(LoadError::Malformed(format!(
                "{query_heads} query heads are not a multiple of {key_value_heads} key-value heads"
            )));
        }
        let layers = layer_count(gguf, name)?;
        let gemma = family == Family::Gemma3;
        // Only Gemma 3's largest model scales by the head size that follows from the number of heads.
        let attention_size =
            if gemma && layers == 62 { hidden_size as f32 / query_heads as f32 } else { head_size as f32 };
        Ok(Self {
            family,
            context_tokens: size("context_length")?,
            layers,
            hidden_size,
            feed_forward_size: size("feed_forward_length")?,
            query_heads,
            key_value_heads,
            head_size,
            norm_epsilon: gguf.float(&format!("{name}.attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-5),
            embedding_scale: if gemma { (hidden_size as f32).sqrt() } else { 1.0 },
            attention_scale: attention_size.sqrt().recip(),
            gate_activation: if gemma { GateActivation::Gelu } else { GateActivation::Silu },
            rope: read_rope(gguf, family, head_size)?,
            local_attention: if gemma { read_local_attention(gguf, name, head_size)? } else { None },
        })
    }

    /// The attention of `layer` if it is local.
    pub(crate) fn local_attention(&self, layer: usize) -> Option<&LocalAttention> {
        let is_global = (layer + 1).is_multiple_of(LOCAL_PATTERN);
        self.local_attention.as_ref().filter(|_| !is_global)
    }
}

/// The number of layers, within the limit.
pub(crate) fn layer_count(gguf: &GgufFile, family: &str) -> Result<usize, LoadError> {
    let key = format!("{family}.block_count");
    let layers = gguf.size(&key)?;
    if layers > MAX_LAYERS {
        return Err(LoadError::Malformed(format!("`{key}` is {layers}, more than {MAX_LAYERS}")));
    }
    Ok(layers)
}

/// The size of heads when the file does not name it.
pub(crate) fn default_head_size(hidden_size: usize, heads: usize) -> Result<usize, LoadError> {
    if !hidden_size.is_multiple_of(heads) {
        let reason = format!("the hidden size {hidden_size} is not a multiple of {heads} heads");
        return Err(LoadError::Malformed(reason));
    }
    Ok(hidden_size / heads)
}

fn head_size(gguf: &GgufFile, name: &str, hidden_size: usize, heads: usize) -> Result<usize, LoadError> {
    let named = |key: &str| gguf.number(&format!("{name}.attention.{key}"));
    let size = match (named("key_length")?, named("value_length")?) {
        (Some(key), Some(value)) if key != value => {
            return Err(LoadError::Malformed(format!("keys of {key} numbers, but values of {value}")));
        }
        (Some(size), _) | (None, Some(size)) => usize::try_from(size).unwrap_or(usize::MAX),
        (None, None) => default_head_size(hidden_size, heads)?,
    };
    let rotated = gguf.number(&format!("{name}.rope.dimension_count"))?.unwrap_or(size as u64);
    if rotated != size as u64 {
        return Err(LoadError::Malformed(format!("RoPE rotates {rotated} of {size} dimensions")));
    }
    // A vector has sixteen numbers, and no family in use has other heads.
    if size == 0 || !size.is_multiple_of(16) || size > 1 << 12 {
        return Err(LoadError::Malformed(format!("the head size {size} is not a multiple of 16 up to 4096")));
    }
    Ok(size)
}

fn read_rope(gguf: &GgufFile, family: Family, head_size: usize) -> Result<Rope, LoadError> {
    let name = family.name();
    let float = |key: &str| gguf.float(&format!("{name}.rope.{key}"));
    let default_base = if family == Family::Gemma3 { 1_000_000.0 } else { 10_000.0 };
    let base = float("freq_base")?.unwrap_or(default_base);
    let factor = match float("scaling.factor")? {
        Some(factor) if factor > 0.0 => factor,
        _ => 1.0,
    };
    let scaling = match gguf.text(&format!("{name}.rope.scaling.type"))? {
        None | Some("none") => RopeScaling::None,
        Some("linear") => RopeScaling::Linear { factor },
        Some("yarn") => {
            let key = format!("{name}.rope.scaling.original_context_length");
            RopeScaling::Yarn { factor, trained_tokens: gguf.size(&key)? as f32 }
        }
        Some(other) => {
            return Err(LoadError::UnsupportedArchitecture(format!("{name} with RoPE scaling `{other}`")));
        }
    };
    let rope = Rope::new(base, head_size, scaling);
    let key = "rope_freqs.weight";
    if !gguf.has_tensor(key) {
        return Ok(rope);
    }
    gguf.expect_dimensions(key, &[head_size / 2])?;
    Ok(rope.with_frequency_factors(&gguf.floats(key)?))
}

fn read_local_attention(
    gguf: &GgufFile,
    name: &str,
    head_size: usize,
) -> Result<Option<LocalAttention>, LoadError> {
    let key = format!("{name}.attention.sliding_window");
    if gguf.number(&key)?.is_none() {
        return Ok(None);
    }
    let base = gguf.float(&format!("{name}.rope.local_freq_base"))?.unwrap_or(10_000.0);
    let rope = Rope::new(base, head_size, RopeScaling::None);
    Ok(Some(LocalAttention { window: gguf.size(&key)?, rope }))
}
