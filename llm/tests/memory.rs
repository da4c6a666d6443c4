//! Memory after ten thousand requests. A test program of its own, so that no other test's memory is counted.
#![cfg(target_os = "linux")]

#[path = "../src/testing/tiny_model.rs"]
#[expect(dead_code, reason = "the models of the unit tests, of which this test needs one")]
mod tiny;

use std::time::Duration;

use domain::{GenerationEvent, GenerationRequest, Message, Role, Sampling};
use futures::StreamExt;
use futures::future::join_all;
use llm::{Engine, EngineOptions};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tiny::TinyModel;

/// Enough for some hundred tokens, so that prefixes are evicted all the time.
const OPTIONS: EngineOptions = EngineOptions {
    threads: 2,
    context_tokens: Some(256),
    parallel: 8,
    queue_length: 64,
    cache_bytes: 1 << 20,
};
const REQUESTS: usize = 10_000;
/// Requests at the same time.
const WAVE: usize = 40;
/// After this number of waves everything is as large as it gets.
const SETTLED: usize = 50;

fn request(random: &mut ChaCha8Rng) -> GenerationRequest {
    let mut below = |limit: u32| random.next_u32() % limit;
    let start = ["", "the same beginning of a question, ", "질문의 같은 시작, "][below(3) as usize];
    let content = format!("{start}{}", "xyz ".repeat(below(12) as usize));
    GenerationRequest {
        messages: vec![Message { role: Role::User, content }],
        sampling: Sampling { temperature: 1.0, seed: Some(below(100).into()), ..Sampling::GREEDY },
        max_tokens: below(8) as usize,
        stop: vec!["zz".to_owned()],
        deadline: Duration::from_secs(120),
    }
}

/// Reads an answer, or disconnects after its first event.
async fn read(engine: &Engine, request: GenerationRequest, leaves: bool) {
    let mut stream = engine.generate(request).expect("there is room");
    while let Some(event) = stream.next().await {
        let over = matches!(event.expect("no failure"), GenerationEvent::Done { .. });
        if over || leaves {
            return;
        }
    }
    panic!("a stream ended without saying why");
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") << 10
}

#[tokio::test]
async fn ten_thousand_requests_leave_memory_as_it_was() {
    let engine = Engine::load(TinyModel::llama().file().path(), OPTIONS).expect("a sound file");
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut settled = 0;
    for wave in 0..REQUESTS / WAVE {
        let requests: Vec<_> =
            (0..WAVE).map(|_| (request(&mut random), random.next_u32() % 5 == 0)).collect();
        join_all(requests.into_iter().map(|(request, leaves)| read(&engine, request, leaves))).await;
        if wave == SETTLED {
            settled = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(settled);
    assert!(grown < 4 << 20, "{grown} bytes more after {REQUESTS} requests than after {}", SETTLED * WAVE);
}
