//! Tests the remote generator against a real HTTP server on loopback: streaming, errors, slow and endless streams, the queue.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::error::Error as _;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chat::generator::{OpenAiGenerator, OpenAiOptions};
use domain::{
    FinishReason, GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Generator, Message,
    Role, Sampling, with_causes,
};
use futures::{StreamExt, stream};

/// How the server responds.
#[derive(Clone)]
enum Behaviour {
    Stream(&'static [&'static str]),
    Status(StatusCode, &'static str),
    SilentAfter(&'static str),
    /// Silent for this long before the headers, before the first token and before the last.
    Slow(Duration),
    /// One line without end.
    Endless,
    Redirect,
}

async fn server(behaviour: Behaviour) -> String {
    let app = Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/models", get(complete))
        .with_state(behaviour);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn complete(State(behaviour): State<Behaviour>, headers: HeaderMap) -> Response {
    assert_eq!(headers["authorization"], "Bearer secret");
    let events = |pieces: &'static [&'static str]| {
        stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(format!("data: {piece}\n\n"))))
    };
    match behaviour {
        Behaviour::Stream(pieces) => Body::from_stream(events(pieces)).into_response(),
        Behaviour::Status(status, text) => (status, text).into_response(),
        Behaviour::SilentAfter(piece) => {
            let first = stream::once(async move { Ok::<_, std::io::Error>(format!("data: {piece}\n\n")) });
            Body::from_stream(first.chain(stream::pending())).into_response()
        }
        Behaviour::Slow(pause) => {
            tokio::time::sleep(pause).await;
            let pieces = [ONE_TOKEN, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#];
            let slowly = stream::iter(pieces).then(move |piece| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, std::io::Error>(format!("data: {piece}\n\n"))
            });
            Body::from_stream(slowly).into_response()
        }
        Behaviour::Endless => {
            let line = stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1 << 16)));
            Body::from_stream(stream::iter([Ok("data: ".to_owned())]).chain(line)).into_response()
        }
        Behaviour::Redirect => {
            (StatusCode::FOUND, [("location", "http://127.0.0.1:9/steal")]).into_response()
        }
    }
}

const ONE_TOKEN: &str = r#"{"choices":[{"delta":{"content":"15"}}]}"#;

/// The generator on the server at `base_url`: one request at a time, and one that waits.
fn generator(base_url: String) -> OpenAiGenerator {
    OpenAiGenerator::new(OpenAiOptions {
        base_url,
        api_key: Some("secret".into()),
        model: "stub".to_owned(),
        context_tokens: 2_000,
        parallel: 1,
        queue_length: 1,
    })
    .unwrap()
}

fn request(deadline: Duration) -> GenerationRequest {
    GenerationRequest {
        messages: vec![Message { role: Role::User, content: "연차는 며칠인가요?".to_owned() }],
        sampling: Sampling::GREEDY,
        max_tokens: 100,
        stop: Vec::new(),
        deadline,
    }
}

async fn start(generator: &OpenAiGenerator, request: GenerationRequest) -> GenerationStream {
    let ticket = generator.reserve().expect("there is room");
    generator.generate(request, ticket).await.expect("it fits")
}

async fn generate(behaviour: Behaviour, deadline: Duration) -> Vec<Result<GenerationEvent, GenerateError>> {
    let generator = generator(server(behaviour).await);
    start(&generator, request(deadline)).await.collect().await
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn streams_text_and_reports_usage() {
    let events = generate(
        Behaviour::Stream(&[
            r#"{"choices":[{"delta":{"role":"assistant"}}]}"#,
            r#"{"choices":[{"delta":{"content":"15"}}]}"#,
            r#"{"choices":[{"delta":{"content":"일"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":2}}"#,
            "[DONE]",
        ]),
        LONG,
    )
    .await;
    let events: Vec<_> = events.into_iter().map(Result::unwrap).collect();
    assert_eq!(events[0], GenerationEvent::Delta("15".to_owned()));
    assert_eq!(events[1], GenerationEvent::Delta("일".to_owned()));
    let GenerationEvent::Done { finish_reason, usage } = &events[2] else { panic!("{events:?}") };
    assert_eq!((*finish_reason, usage.prompt_tokens), (FinishReason::Stop, 12));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_answer() {
    let events = generate(Behaviour::Stream(&[r#"{"choices":[{"delta":{"content":"15"}}]}"#]), LONG).await;
    assert!(matches!(events.last(), Some(Err(GenerateError::Unavailable(_)))), "{events:?}");
}

#[tokio::test]
async fn nonsense_in_the_stream_is_an_error() {
    let events = generate(Behaviour::Stream(&["<html>"]), LONG).await;
    assert!(matches!(events.last(), Some(Err(GenerateError::Failed(_)))), "{events:?}");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let overloaded = generate(Behaviour::Status(StatusCode::TOO_MANY_REQUESTS, "slow down"), LONG).await;
    assert!(matches!(overloaded[0], Err(GenerateError::Overloaded)), "{overloaded:?}");
    for (status, setting) in [
        (StatusCode::UNAUTHORIZED, "generator.api_key"),
        (StatusCode::FORBIDDEN, "generator.api_key"),
        (StatusCode::NOT_FOUND, "generator.url"),
    ] {
        let refused = generate(Behaviour::Status(status, "no such thing"), LONG).await;
        let message = match &refused[0] {
            Err(error @ GenerateError::KeyRefused(_)) if status != StatusCode::NOT_FOUND => {
                with_causes(error)
            }
            Err(error @ GenerateError::ModelNotFound(_)) if status == StatusCode::NOT_FOUND => {
                with_causes(error)
            }
            other => panic!("{status}: {other:?}"),
        };
        for part in [status.as_str(), "no such thing", setting] {
            assert!(message.contains(part), "{message}");
        }
    }
    let broken = generate(Behaviour::Status(StatusCode::BAD_GATEWAY, "oops"), LONG).await;
    assert!(matches!(broken[0], Err(GenerateError::Unavailable(_))), "{broken:?}");
}

#[tokio::test]
async fn a_line_without_end_is_an_error() {
    let events = generate(Behaviour::Endless, LONG).await;
    let [Err(GenerateError::Failed(message))] = events.as_slice() else { panic!("{events:?}") };
    assert!(message.to_string().contains("more than 1048576 bytes"), "{message:?}");
}

/// More than the 60 seconds that were once the longest silence; the deadline alone ends an answer.
#[tokio::test]
#[ignore = "takes three and a half minutes"]
async fn a_slow_server_is_waited_for_until_the_deadline() {
    let events = generate(Behaviour::Slow(Duration::from_secs(70)), Duration::from_secs(300)).await;
    assert!(matches!(events.last(), Some(Ok(GenerationEvent::Done { .. }))), "{events:?}");
}

#[tokio::test]
async fn requests_beyond_the_slots_wait_and_those_beyond_the_queue_are_refused() {
    let generator = generator(server(Behaviour::SilentAfter(ONE_TOKEN)).await);
    let mut running = start(&generator, request(LONG)).await;
    assert!(matches!(running.next().await, Some(Ok(GenerationEvent::Delta(_)))));
    let mut waiting = start(&generator, request(LONG)).await;
    assert!(matches!(waiting.next().await, Some(Ok(GenerationEvent::Queued { position: 1 }))));
    assert!(matches!(generator.reserve(), Err(GenerateError::Overloaded)));
    drop(running);
    assert!(matches!(waiting.next().await, Some(Ok(GenerationEvent::Delta(_)))), "the slot is free");
    assert!(generator.reserve().is_ok(), "the one that is gone is not counted");
}

#[tokio::test]
async fn a_check_tells_a_dead_server_and_a_refused_key() {
    let check = async |behaviour| generator(server(behaviour).await).check().await;
    assert!(check(Behaviour::Stream(&[])).await.is_ok());
    assert!(check(Behaviour::Status(StatusCode::NOT_FOUND, "no list")).await.is_ok());
    let refused = check(Behaviour::Status(StatusCode::UNAUTHORIZED, "")).await;
    assert!(matches!(refused, Err(GenerateError::KeyRefused(_))), "{refused:?}");
    let broken = check(Behaviour::Status(StatusCode::BAD_GATEWAY, "")).await;
    assert!(matches!(broken, Err(GenerateError::Unavailable(_))), "{broken:?}");
    let gone = generator("http://127.0.0.1:1/v1".to_owned()).check().await;
    assert!(matches!(gone, Err(GenerateError::Unavailable(_))), "{gone:?}");
}

#[tokio::test]
async fn silence_meets_the_deadline() {
    let events = generate(Behaviour::SilentAfter(ONE_TOKEN), Duration::from_millis(300)).await;
    assert!(matches!(events.last(), Some(Err(GenerateError::DeadlineExceeded))), "{events:?}");
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect() {
    let events = generate(Behaviour::Redirect, LONG).await;
    assert!(matches!(events[0], Err(GenerateError::Unavailable(_))), "{events:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let generator = generator("http://127.0.0.1:1/v1".to_owned());
    let end = start(&generator, request(LONG)).await.next().await;
    let Some(Err(unavailable @ GenerateError::Unavailable(_))) = end else { panic!("nobody is there") };
    assert!(with_causes(&unavailable).starts_with("the generator is unavailable: "), "{unavailable:?}");
    assert!(unavailable.source().is_some_and(|source| source.is::<reqwest::Error>()), "{unavailable:?}");
    let long = GenerationRequest { max_tokens: 10_000, ..request(LONG) };
    let refused = generator.generate(long, generator.reserve().unwrap()).await.err();
    assert!(matches!(refused, Some(GenerateError::ContextTooLong { .. })));
}
