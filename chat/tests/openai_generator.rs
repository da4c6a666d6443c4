//! Tests the remote generator against a real HTTP server on loopback: streaming, errors, idle streams.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::error::Error as _;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chat::generator::{OpenAiGenerator, OpenAiOptions};
use domain::{
    FinishReason, GenerateError, GenerationEvent, GenerationRequest, Generator, Message, Role, Sampling,
    with_causes,
};
use futures::{StreamExt, stream};

/// How the server responds.
#[derive(Clone)]
enum Behaviour {
    Stream(&'static [&'static str]),
    Status(StatusCode, &'static str),
    SilentAfter(&'static str),
    Redirect,
}

async fn server(behaviour: Behaviour) -> String {
    let app = Router::new().route("/v1/chat/completions", post(complete)).with_state(behaviour);
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
        Behaviour::Redirect => {
            (StatusCode::FOUND, [("location", "http://127.0.0.1:9/steal")]).into_response()
        }
    }
}

async fn generate(behaviour: Behaviour, deadline: Duration) -> Vec<Result<GenerationEvent, GenerateError>> {
    let generator = OpenAiGenerator::new(OpenAiOptions {
        base_url: server(behaviour).await,
        api_key: Some("secret".to_owned()),
        model: "stub".to_owned(),
        context_tokens: 2_000,
        idle_timeout: Duration::from_secs(5),
    })
    .unwrap();
    let request = GenerationRequest {
        messages: vec![Message { role: Role::User, content: "연차는 며칠인가요?".to_owned() }],
        sampling: Sampling::GREEDY,
        max_tokens: 100,
        stop: Vec::new(),
        deadline,
    };
    match generator.generate(request).await {
        Ok(stream) => stream.collect().await,
        Err(error) => vec![Err(error)],
    }
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
    let refused = generate(Behaviour::Status(StatusCode::UNAUTHORIZED, "no such key"), LONG).await;
    let Err(GenerateError::Unavailable(message)) = &refused[0] else { panic!("{refused:?}") };
    let message = message.to_string();
    assert!(message.contains("401") && message.contains("no such key"), "{message}");
}

#[tokio::test]
async fn silence_meets_the_deadline() {
    let piece = r#"{"choices":[{"delta":{"content":"15"}}]}"#;
    let events = generate(Behaviour::SilentAfter(piece), Duration::from_millis(300)).await;
    assert!(matches!(events.last(), Some(Err(GenerateError::DeadlineExceeded))), "{events:?}");
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect() {
    let events = generate(Behaviour::Redirect, LONG).await;
    assert!(matches!(events[0], Err(GenerateError::Unavailable(_))), "{events:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let generator = OpenAiGenerator::new(OpenAiOptions {
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        api_key: None,
        model: "stub".to_owned(),
        context_tokens: 10,
        idle_timeout: Duration::from_secs(1),
    })
    .unwrap();
    let request = GenerationRequest {
        messages: vec![Message { role: Role::User, content: String::new() }],
        sampling: Sampling::GREEDY,
        max_tokens: 1,
        stop: Vec::new(),
        deadline: LONG,
    };
    let unavailable = generator.generate(request.clone()).await.err().unwrap();
    assert!(matches!(unavailable, GenerateError::Unavailable(_)), "{unavailable:?}");
    assert!(with_causes(&unavailable).starts_with("the generator is unavailable: "), "{unavailable:?}");
    assert!(unavailable.source().is_some_and(|source| source.is::<reqwest::Error>()), "{unavailable:?}");
    let long = GenerationRequest { max_tokens: 100, ..request };
    assert!(matches!(generator.generate(long).await.err(), Some(GenerateError::ContextTooLong { .. })));
}
