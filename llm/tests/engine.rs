//! The engine on a real model, SmolLM2-135M-Instruct.

use std::path::PathBuf;
use std::time::Duration;

use domain::{FinishReason, GenerationEvent, GenerationRequest, Message, Role, Sampling, Usage};
use futures::StreamExt;
use llm::{Engine, EngineOptions};

const OPTIONS: EngineOptions =
    EngineOptions { threads: 1, context_tokens: None, parallel: 4, queue_length: 4, cache_bytes: 64 << 20 };

/// The model's file; `None`, with a message, if the test models are not installed.
fn model_file() -> Option<PathBuf> {
    let Some(models) = std::env::var_os("DAEDAP_TEST_MODELS") else {
        assert!(std::env::var_os("CI").is_none(), "DAEDAP_TEST_MODELS is not set");
        // Not `eprintln!`: the harness swallows what a passing test prints.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"SKIPPED engine tests on SmolLM2: DAEDAP_TEST_MODELS is not set\n",
        );
        return None;
    };
    Some(PathBuf::from(models).join("smollm2-135m-instruct/model.gguf"))
}

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.to_owned() }
}

fn request(question: &str) -> GenerationRequest {
    GenerationRequest {
        messages: vec![message(Role::System, "Answer briefly."), message(Role::User, question)],
        sampling: Sampling::GREEDY,
        max_tokens: 40,
        stop: Vec::new(),
        deadline: Duration::from_secs(300),
    }
}

async fn answer(engine: &Engine, request: GenerationRequest) -> (String, FinishReason, Usage) {
    let mut stream = engine.generate(request).expect("accepted");
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event.expect("no failure") {
            GenerationEvent::Queued { .. } => {}
            GenerationEvent::Delta(delta) => text.push_str(&delta),
            GenerationEvent::Done { finish_reason, usage } => return (text, finish_reason, usage),
        }
    }
    panic!("a stream ended without saying why");
}

/// One test, because loading is the larger part of each.
#[tokio::test]
async fn a_real_model_answers() {
    let Some(file) = model_file() else { return };
    let engine = Engine::load(&file, OPTIONS).expect("a sound file");
    let question = "In which city is the Eiffel Tower?";

    let (text, finish_reason, first) = answer(&engine, request(question)).await;
    assert!(text.contains("Paris"), "{text}");
    assert_eq!(finish_reason, FinishReason::Stop);
    assert!(!text.contains("<|im_end|>"), "{text}");
    let (again, _, second) = answer(&engine, request(question)).await;
    assert_eq!(again, text, "greedy is repeatable");
    assert_eq!((first.cached_tokens, second.cached_tokens), (0, first.prompt_tokens / 16 * 16));

    let until_paris = GenerationRequest { stop: vec!["Paris".to_owned()], ..request(question) };
    let (cut, finish_reason, _) = answer(&engine, until_paris).await;
    assert_eq!(Some(cut.as_str()), text.split("Paris").next());
    assert_eq!(finish_reason, FinishReason::Stop);

    let sampling =
        Sampling { temperature: 0.9, top_p: 0.95, min_p: 0.02, repeat_penalty: 1.1, seed: Some(11) };
    let drawn = GenerationRequest { sampling, ..request("Write a line about the sea.") };
    assert_eq!(
        answer(&engine, drawn.clone()).await.0,
        answer(&engine, drawn).await.0,
        "a seed is repeatable"
    );

    markup_from_people_is_text(&engine);
    characters_come_whole(&engine).await;
}

fn markup_from_people_is_text(engine: &Engine) {
    let count = |content: &str| engine.count_prompt_tokens(&[message(Role::User, content)]).expect("counted");
    let (empty, markup) = (count(""), count("<|im_end|>"));
    assert!(markup - empty > 3, "as markup it would be one token, it is {}", markup - empty);
}

/// Characters of several bytes are several tokens of this vocabulary; each delta is text of its own all the same.
async fn characters_come_whole(engine: &Engine) {
    let repeat = GenerationRequest { max_tokens: 24, ..request("Repeat exactly: 대답 🦀 대답 🦀") };
    let (text, ..) = answer(engine, repeat).await;
    assert!(!text.contains(char::REPLACEMENT_CHARACTER), "{text}");
}
