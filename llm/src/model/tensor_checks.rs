//! Checks that a file has the tensors that its config needs, with the right dimensions, and no others.

use crate::error::LoadError;
use crate::model::config::ModelConfig;
use crate::model::family::Family;
use crate::model::gguf::file::GgufFile;

/// Checks all tensors of a decoder's file. `vocabulary` is the number of tokens.
pub(crate) fn check_tensors(
    gguf: &GgufFile,
    config: &ModelConfig,
    vocabulary: usize,
) -> Result<(), LoadError> {
    check_vocabulary_rows(gguf, "token_embd.weight", config.hidden_size, vocabulary)?;
    if gguf.has_tensor("output.weight") {
        check_vocabulary_rows(gguf, "output.weight", config.hidden_size, vocabulary)?;
    }
    gguf.expect_dimensions("output_norm.weight", &[config.hidden_size])?;
    let layer_tensors = layer_tensors(config);
    for layer in 0..config.layers {
        for LayerTensor { name, dimensions, required } in &layer_tensors {
            let name = format!("blk.{layer}.{name}");
            if *required || gguf.has_tensor(&name) {
                gguf.expect_dimensions(&name, dimensions)?;
            }
        }
    }
    check_all_are_used(gguf, config.family, &layer_tensors)
}

/// Embeddings have a row per token; some files round the number of rows up.
pub(crate) fn check_vocabulary_rows(
    gguf: &GgufFile,
    name: &str,
    hidden_size: usize,
    vocabulary: usize,
) -> Result<(), LoadError> {
    match gguf.dimensions(name)? {
        [rows, row] if *rows >= vocabulary && *row == hidden_size => Ok(()),
        other => Err(LoadError::Malformed(format!(
            "tensor `{name}` has dimensions {other:?}, for {vocabulary} tokens and the hidden size {hidden_size}"
        ))),
    }
}

struct LayerTensor {
    name: &'static str,
    /// Row length last.
    dimensions: Vec<usize>,
    /// Whether the family cannot do without it.
    required: bool,
}

fn layer_tensors(config: &ModelConfig) -> Vec<LayerTensor> {
    let (hidden, feed_forward) = (config.hidden_size, config.feed_forward_size);
    let queries = config.query_heads * config.head_size;
    let keys = config.key_value_heads * config.head_size;
    let has_bias = config.family == Family::Qwen2;
    let tensor = |name, dimensions: &[usize], required| LayerTensor {
        name,
        dimensions: dimensions.to_vec(),
        required,
    };
    let mut tensors = vec![
        tensor("attn_norm.weight", &[hidden], true),
        tensor("attn_q.weight", &[queries, hidden], true),
        tensor("attn_k.weight", &[keys, hidden], true),
        tensor("attn_v.weight", &[keys, hidden], true),
        tensor("attn_output.weight", &[hidden, queries], true),
        tensor("ffn_norm.weight", &[hidden], true),
        tensor("ffn_gate.weight", &[feed_forward, hidden], true),
        tensor("ffn_up.weight", &[feed_forward, hidden], true),
        tensor("ffn_down.weight", &[hidden, feed_forward], true),
        tensor("attn_q.bias", &[queries], has_bias),
        tensor("attn_k.bias", &[keys], has_bias),
        tensor("attn_v.bias", &[keys], has_bias),
    ];
    if matches!(config.family, Family::Qwen3 | Family::Gemma3) {
        tensors.push(tensor("attn_q_norm.weight", &[config.head_size], true));
        tensors.push(tensor("attn_k_norm.weight", &[config.head_size], true));
    }
    if config.family == Family::Gemma3 {
        tensors.push(tensor("post_attention_norm.weight", &[hidden], true));
        tensors.push(tensor("post_ffw_norm.weight", &[hidden], true));
    }
    tensors
}

/// A tensor that the decoder ignores would silently make it another model.
fn check_all_are_used(
    gguf: &GgufFile,
    family: Family,
    layer_tensors: &[LayerTensor],
) -> Result<(), LoadError> {
    const MODEL_TENSORS: [&str; 4] =
        ["token_embd.weight", "output.weight", "output_norm.weight", "rope_freqs.weight"];
    for name in gguf.tensor_names() {
        let in_layer = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
        let is_used = match in_layer {
            Some((_, name)) => layer_tensors.iter().any(|tensor| tensor.name == name),
            None => MODEL_TENSORS.contains(&name),
        };
        if !is_used {
            let family = family.name();
            return Err(LoadError::UnsupportedArchitecture(format!("{family} with tensor `{name}`")));
        }
    }
    Ok(())
}
