//! candle's models on tiny files: they load, answer, and begin anew.

use candle_core::quantized::{GgmlDType, QTensor};
use domain::{FinishReason, GenerateError, GenerationEvent, GenerationRequest, Message, Role, Sampling};
use futures::StreamExt;

use super::*;
use crate::engine::{Engine, EngineOptions};
use crate::tiny::{FEED_FORWARD, HIDDEN, KEY_VALUE, Random, TinyModel, norm};

const OPTIONS: EngineOptions =
    EngineOptions { threads: 1, context_tokens: None, parallel: 4, queue_length: 4, cache_bytes: 1 << 20 };
const L_CACHE: usize = 3;
const HEAD: usize = HIDDEN / 4;

/// A model of two layers with the tensors that llama.cpp writes for the family.
pub(crate) fn tiny(family: Family) -> TinyModel {
    let name = family.name();
    let mut random = Random::new();
    let mut model = TinyModel::of(name);
    model.tensors.retain(|(name, _)| name == "token_embd.weight");
    if family == Family::Lfm2 {
        model = model.with("lfm2.attention.head_count_kv", Value::Array(vec![Value::U32(0), Value::U32(2)]));
        model = model.with("lfm2.shortconv.l_cache", Value::U32(L_CACHE as u32));
    }
    if family == Family::Glm4 {
        model = model.with("glm4.rope.dimension_count", Value::U32(HEAD as u32 / 2));
    }
    if family == Family::Phi2 {
        model = model.with("phi2.attention.head_count_kv", Value::U32(4));
        model = model.with("phi2.attention.layer_norm_epsilon", Value::F32(1e-5));
    }
    let qkv_rows = if family == Family::Phi2 { 3 * HIDDEN } else { HIDDEN + 2 * KEY_VALUE };
    let mut add = |name: String, tensor: QTensor| model.tensors.push((name, tensor));
    let mut matrix = |rows, row| random.matrix(rows, row, GgmlDType::Q8_0);
    if family == Family::Lfm2 {
        add("token_embd_norm.weight".to_owned(), norm(HIDDEN));
    } else {
        add("output_norm.weight".to_owned(), norm(HIDDEN));
        add("output.weight".to_owned(), matrix(258, HIDDEN));
    }
    if family == Family::Phi2 {
        add("output.bias".to_owned(), norm(258));
        add("output_norm.bias".to_owned(), norm(HIDDEN));
    }
    for layer in 0..2 {
        let mut add = |name: &str, tensor: QTensor| add(format!("blk.{layer}.{name}"), tensor);
        add("attn_norm.weight", norm(HIDDEN));
        let fused_rows = if family == Family::Phi2 { FEED_FORWARD } else { 2 * FEED_FORWARD };
        match family {
            Family::Lfm2 => {
                add("ffn_gate.weight", matrix(FEED_FORWARD, HIDDEN));
                add("ffn_up.weight", matrix(FEED_FORWARD, HIDDEN));
            }
            _ => add("ffn_up.weight", matrix(fused_rows, HIDDEN)),
        }
        add("ffn_down.weight", matrix(HIDDEN, FEED_FORWARD));
        if family != Family::Phi2 {
            add("ffn_norm.weight", norm(HIDDEN));
        }
        match family {
            Family::Phi2 | Family::Phi3 => add("attn_qkv.weight", matrix(qkv_rows, HIDDEN)),
            Family::Lfm2 if layer == 0 => {
                add("shortconv.in_proj.weight", matrix(3 * HIDDEN, HIDDEN));
                add("shortconv.out_proj.weight", matrix(HIDDEN, HIDDEN));
                let conv = Random::new().matrix(HIDDEN, L_CACHE, GgmlDType::F32);
                add("shortconv.conv.weight", conv);
                continue;
            }
            Family::Glm4 | Family::Lfm2 => {
                add("attn_q.weight", matrix(HIDDEN, HIDDEN));
                add("attn_k.weight", matrix(KEY_VALUE, HIDDEN));
                add("attn_v.weight", matrix(KEY_VALUE, HIDDEN));
            }
        }
        add("attn_output.weight", matrix(HIDDEN, HIDDEN));
        match family {
            Family::Phi2 => {
                add("attn_norm.bias", norm(HIDDEN));
                add("attn_qkv.bias", norm(qkv_rows));
                add("attn_output.bias", norm(HIDDEN));
                add("ffn_up.bias", norm(FEED_FORWARD));
                add("ffn_down.bias", norm(HIDDEN));
            }
            Family::Glm4 => {
                add("post_ffw_norm.weight", norm(HIDDEN));
                add("post_attention_norm.weight", norm(HIDDEN));
            }
            Family::Lfm2 => {
                add("attn_q_norm.weight", norm(HEAD));
                add("attn_k_norm.weight", norm(HEAD));
            }
            Family::Phi3 => {}
        }
    }
    model
}

async fn answer(engine: &Engine, question: &str) -> (Vec<u8>, FinishReason) {
    let request = GenerationRequest {
        messages: vec![Message { role: Role::User, content: question.to_owned() }],
        sampling: Sampling::GREEDY,
        max_tokens: 24,
        stop: Vec::new(),
        deadline: std::time::Duration::from_secs(60),
    };
    let mut stream = engine.generate(request).expect("accepted");
    let mut text = Vec::new();
    while let Some(event) = stream.next().await {
        match event.expect("no failure") {
            GenerationEvent::Queued { .. } => {}
            GenerationEvent::Delta(delta) => text.extend_from_slice(delta.as_bytes()),
            GenerationEvent::Done { finish_reason, usage } => {
                assert_eq!(usage.cached_tokens, 0, "nothing is remembered");
                return (text, finish_reason);
            }
        }
    }
    panic!("a stream ended without saying why");
}

/// Questions of many lengths, each twice, others between and at the same time: what is asked is all that an answer
/// depends on.
#[tokio::test]
async fn every_borrowed_family_answers_and_begins_anew() {
    for family in Family::ALL {
        let engine = Engine::load(tiny(family).file().path(), OPTIONS).expect("a sound file");
        assert_eq!(engine.profile().architecture, family.name());
        let questions: Vec<String> = [1, 30, 100, 200].map(|length| "why ".repeat(length)).to_vec();
        let together = questions.iter().map(|question| answer(&engine, question));
        let first = futures::future::join_all(together).await;
        for (question, first) in questions.iter().zip(first).rev() {
            assert_eq!(answer(&engine, question).await, first, "{family:?}");
        }
    }
}

/// What a step computes does not depend on how the prompt was cut.
#[test]
fn a_prompt_is_computed_alike_however_it_is_cut() {
    for family in Family::ALL {
        let gguf = Gguf::open(tiny(family).file().path()).expect("a sound file");
        let mut model = Borrowed::load(gguf, family, 512, 258).expect("a sound model");
        let tokens: Vec<u32> = (0..100).map(|n| n * 7 % 256).collect();
        let mut logits = |cuts: &[usize]| {
            let mut last = Vec::new();
            let mut position = 0;
            for &end in cuts {
                let part = Part { tokens: &tokens[position..end], position, blocks: &[], logits: 1 };
                last = model.forward(&part).expect("computed");
                position = end;
            }
            last.remove(0)
        };
        let whole = logits(&[100]);
        let cuts: Vec<usize> = [64].into_iter().chain(65..=100).collect();
        let cut = logits(&cuts);
        let furthest = whole.iter().zip(&cut).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        let size = whole.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        assert!(furthest < size * 0.02, "{family:?}: {furthest} of {size}");
    }
}

#[test]
fn a_prompt_is_read_in_few_lengths() {
    let mut steps = Vec::new();
    let mut position = 0;
    while position < 131 {
        let step = Borrowed::step_tokens(position, 131 - position);
        steps.push(step);
        position += step;
    }
    assert_eq!(steps, [128, 1, 1, 1]);
    assert_eq!([2, 3, 63, 64].map(|left| Borrowed::step_tokens(0, left)), [2, 2, 32, 64]);
}

#[test]
fn what_candle_would_believe_is_checked() {
    let huge = |key: &str| tiny(Family::Phi3).with(key, Value::U32(u32::MAX));
    for key in ["phi3.block_count", "phi3.attention.head_count"] {
        let refused = Engine::load(huge(key).file().path(), OPTIONS).err();
        assert!(matches!(refused, Some(LoadError::Malformed(_))), "{key}: {refused:?}");
    }
    let long = Engine::load(huge("phi3.context_length").file().path(), OPTIONS).expect("it is cut");
    assert_eq!(long.profile().context_tokens, CONTEXT_TOKENS);
    let messages = vec![Message { role: Role::User, content: "x".repeat(CONTEXT_TOKENS) }];
    let sampling = Sampling::GREEDY;
    let deadline = std::time::Duration::from_secs(60);
    let request = GenerationRequest { messages, sampling, max_tokens: 1, stop: Vec::new(), deadline };
    assert!(matches!(long.generate(request), Err(GenerateError::ContextTooLong { .. })));
    for family in Family::ALL {
        for left_out in 0..tiny(family).tensors.len() {
            let mut model = tiny(family);
            let (name, _) = model.tensors.remove(left_out);
            let loaded = Engine::load(model.file().path(), OPTIONS);
            // GLM's output may be its embedding.
            assert!(
                loaded.is_err() || (family, &*name) == (Family::Glm4, "output.weight"),
                "{family:?}: {name}"
            );
        }
    }
    for (family, key, value) in [
        (Family::Phi3, "phi3.rope.freq_base", Value::F32(500_000.0)),
        (Family::Phi3, "phi3.rope.dimension_count", Value::U32(48)),
        (Family::Glm4, "glm4.rope.dimension_count", Value::U32(64)),
    ] {
        let refused = Engine::load(tiny(family).with(key, value).file().path(), OPTIONS).err();
        assert!(matches!(refused, Some(LoadError::UnsupportedArchitecture(_))), "{key}: {refused:?}");
    }
    let mut scaled = tiny(Family::Phi3);
    scaled.tensors.push(("rope_factors_long.weight".to_owned(), norm(32)));
    assert!(matches!(
        Engine::load(scaled.file().path(), OPTIONS),
        Err(LoadError::UnsupportedArchitecture(name)) if name.contains("rope_factors_long")
    ));
}
