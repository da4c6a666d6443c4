//! Runs candle's models on tiny files: they load, answer, and start over.

use domain::{FinishReason, GenerateError, GenerationEvent, GenerationRequest, Message, Role, Sampling};
use futures::StreamExt;

use super::*;
use crate::serve::engine::{Engine, EngineOptions};
use crate::testing::tiny_candle_model::tiny_candle_model;
use crate::testing::tiny_model::norm;

const OPTIONS: EngineOptions =
    EngineOptions { threads: 1, context_tokens: None, parallel: 4, queue_length: 4, cache_bytes: 1 << 20 };

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
                assert_eq!(usage.cached_tokens, 0, "nothing is cached");
                return (text, finish_reason);
            }
        }
    }
    panic!("a stream ended without saying why");
}

/// Questions of many lengths, each twice, others between and at the same time: an answer depends on its question alone.
#[tokio::test]
async fn every_candle_family_answers_and_starts_over() {
    for family in CandleFamily::ALL {
        let engine = Engine::load(tiny_candle_model(family).file().path(), OPTIONS).expect("a sound file");
        assert_eq!(engine.profile().architecture, family.name());
        let questions: Vec<String> = [1, 30, 100, 200].map(|length| "why ".repeat(length)).to_vec();
        let together = questions.iter().map(|question| answer(&engine, question));
        let first = futures::future::join_all(together).await;
        for (question, first) in questions.iter().zip(first).rev() {
            assert_eq!(answer(&engine, question).await, first, "{family:?}");
        }
    }
}

/// The result of a step does not depend on how the prompt was cut.
#[test]
fn a_prompt_is_computed_alike_however_it_is_cut() {
    for family in CandleFamily::ALL {
        let gguf = GgufFile::open(tiny_candle_model(family).file().path()).expect("a sound file");
        let mut model = CandleModel::load(gguf, CandleConfig { family, context_tokens: 512 }, 258)
            .expect("a sound model");
        let tokens: Vec<u32> = (0..100).map(|n| n * 7 % 256).collect();
        let mut logits = |cuts: &[usize]| {
            let mut last = Vec::new();
            let mut position = 0;
            for &end in cuts {
                let sequence =
                    SequenceTokens { tokens: &tokens[position..end], position, blocks: &[], logits: 1 };
                last = model.forward(&sequence).expect("computed");
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
fn a_prompt_is_prefilled_in_few_lengths() {
    let mut steps = Vec::new();
    let mut position = 0;
    while position < 131 {
        let step = CandleModel::prefill_step(position, 131 - position);
        steps.push(step);
        position += step;
    }
    assert_eq!(steps, [128, 1, 1, 1]);
    assert_eq!([2, 3, 63, 64].map(|left| CandleModel::prefill_step(0, left)), [2, 2, 32, 64]);
}

#[test]
fn what_candle_takes_on_trust_is_checked() {
    let huge = |key: &str| tiny_candle_model(CandleFamily::Phi3).with(key, Value::U32(u32::MAX));
    for key in ["phi3.block_count", "phi3.attention.head_count"] {
        let refused = Engine::load(huge(key).file().path(), OPTIONS).err();
        assert!(matches!(refused, Some(LoadError::Malformed(_))), "{key}: {refused:?}");
    }
    let long = Engine::load(huge("phi3.context_length").file().path(), OPTIONS).expect("it is cut");
    assert_eq!(long.profile().context_tokens, MAX_CONTEXT_TOKENS);
    let messages = vec![Message { role: Role::User, content: "x".repeat(MAX_CONTEXT_TOKENS) }];
    let sampling = Sampling::GREEDY;
    let deadline = std::time::Duration::from_secs(60);
    let request = GenerationRequest { messages, sampling, max_tokens: 1, stop: Vec::new(), deadline };
    assert!(matches!(long.generate(request), Err(GenerateError::ContextTooLong { .. })));
    for family in CandleFamily::ALL {
        for left_out in 0..tiny_candle_model(family).tensors.len() {
            let mut model = tiny_candle_model(family);
            let (name, _) = model.tensors.remove(left_out);
            let loaded = Engine::load(model.file().path(), OPTIONS);
            // GLM may use its embedding as the output.
            assert!(
                loaded.is_err() || (family, &*name) == (CandleFamily::Glm4, "output.weight"),
                "{family:?}: {name}"
            );
        }
    }
    for (family, key, value) in [
        (CandleFamily::Phi3, "phi3.rope.freq_base", Value::F32(500_000.0)),
        (CandleFamily::Phi3, "phi3.rope.dimension_count", Value::U32(48)),
        (CandleFamily::Glm4, "glm4.rope.dimension_count", Value::U32(64)),
    ] {
        let refused = Engine::load(tiny_candle_model(family).with(key, value).file().path(), OPTIONS).err();
        assert!(matches!(refused, Some(LoadError::UnsupportedArchitecture(_))), "{key}: {refused:?}");
    }
    let mut scaled = tiny_candle_model(CandleFamily::Phi3);
    scaled.tensors.push(("rope_factors_long.weight".to_owned(), norm(32)));
    assert!(matches!(
        Engine::load(scaled.file().path(), OPTIONS),
        Err(LoadError::UnsupportedArchitecture(name)) if name.contains("rope_factors_long")
    ));
}
