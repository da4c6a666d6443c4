//! Tiny models of the families that candle runs.

use candle_core::quantized::gguf_file::Value;
use candle_core::quantized::{GgmlDType, QTensor};

use crate::model::candle_models::CandleFamily;
use crate::testing::tiny_model::{FEED_FORWARD, HIDDEN, KEY_VALUE, Random, TinyModel, norm};

const L_CACHE: usize = 3;
const HEAD: usize = HIDDEN / 4;

/// A model of two layers with the tensors that llama.cpp writes for the family.
pub(crate) fn tiny_candle_model(family: CandleFamily) -> TinyModel {
    let name = family.name();
    let mut random = Random::new();
    let mut model = TinyModel::of(name);
    model.tensors.retain(|(name, _)| name == "token_embd.weight");
    if family == CandleFamily::Lfm2 {
        model = model.with("lfm2.attention.head_count_kv", Value::Array(vec![Value::U32(0), Value::U32(2)]));
        model = model.with("lfm2.shortconv.l_cache", Value::U32(L_CACHE as u32));
    }
    if family == CandleFamily::Glm4 {
        model = model.with("glm4.rope.dimension_count", Value::U32(HEAD as u32 / 2));
    }
    if family == CandleFamily::Phi2 {
        model = model.with("phi2.attention.head_count_kv", Value::U32(4));
        model = model.with("phi2.attention.layer_norm_epsilon", Value::F32(1e-5));
    }
    let qkv_rows = if family == CandleFamily::Phi2 { 3 * HIDDEN } else { HIDDEN + 2 * KEY_VALUE };
    let mut add = |name: String, tensor: QTensor| model.tensors.push((name, tensor));
    let mut matrix = |rows, row| random.matrix(rows, row, GgmlDType::Q8_0);
    if family == CandleFamily::Lfm2 {
        add("token_embd_norm.weight".to_owned(), norm(HIDDEN));
    } else {
        add("output_norm.weight".to_owned(), norm(HIDDEN));
        add("output.weight".to_owned(), matrix(258, HIDDEN));
    }
    if family == CandleFamily::Phi2 {
        add("output.bias".to_owned(), norm(258));
        add("output_norm.bias".to_owned(), norm(HIDDEN));
    }
    for layer in 0..2 {
        let mut add = |name: &str, tensor: QTensor| add(format!("blk.{layer}.{name}"), tensor);
        add("attn_norm.weight", norm(HIDDEN));
        let fused_rows = if family == CandleFamily::Phi2 { FEED_FORWARD } else { 2 * FEED_FORWARD };
        match family {
            CandleFamily::Lfm2 => {
                add("ffn_gate.weight", matrix(FEED_FORWARD, HIDDEN));
                add("ffn_up.weight", matrix(FEED_FORWARD, HIDDEN));
            }
            _ => add("ffn_up.weight", matrix(fused_rows, HIDDEN)),
        }
        add("ffn_down.weight", matrix(HIDDEN, FEED_FORWARD));
        if family != CandleFamily::Phi2 {
            add("ffn_norm.weight", norm(HIDDEN));
        }
        match family {
            CandleFamily::Phi2 | CandleFamily::Phi3 => add("attn_qkv.weight", matrix(qkv_rows, HIDDEN)),
            CandleFamily::Lfm2 if layer == 0 => {
                add("shortconv.in_proj.weight", matrix(3 * HIDDEN, HIDDEN));
                add("shortconv.out_proj.weight", matrix(HIDDEN, HIDDEN));
                let conv = Random::new().matrix(HIDDEN, L_CACHE, GgmlDType::F32);
                add("shortconv.conv.weight", conv);
                continue;
            }
            CandleFamily::Glm4 | CandleFamily::Lfm2 => {
                add("attn_q.weight", matrix(HIDDEN, HIDDEN));
                add("attn_k.weight", matrix(KEY_VALUE, HIDDEN));
                add("attn_v.weight", matrix(KEY_VALUE, HIDDEN));
            }
        }
        add("attn_output.weight", matrix(HIDDEN, HIDDEN));
        match family {
            CandleFamily::Phi2 => {
                add("attn_norm.bias", norm(HIDDEN));
                add("attn_qkv.bias", norm(qkv_rows));
                add("attn_output.bias", norm(HIDDEN));
                add("ffn_up.bias", norm(FEED_FORWARD));
                add("ffn_down.bias", norm(HIDDEN));
            }
            CandleFamily::Glm4 => {
                add("post_ffw_norm.weight", norm(HIDDEN));
                add("post_attention_norm.weight", norm(HIDDEN));
            }
            CandleFamily::Lfm2 => {
                add("attn_q_norm.weight", norm(HEAD));
                add("attn_k_norm.weight", norm(HEAD));
            }
            CandleFamily::Phi3 => {}
        }
    }
    model
}

/// Tiny models of all families, the decoder's and candle's.
pub(crate) fn models_of_all_families() -> impl Iterator<Item = TinyModel> {
    let decoders = ["llama", "qwen2", "qwen3", "gemma3", "exaone"].into_iter().map(TinyModel::of);
    decoders.chain(CandleFamily::ALL.into_iter().map(tiny_candle_model))
}
