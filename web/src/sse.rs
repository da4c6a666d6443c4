//! Server-Sent Events; an answer's are `queued`, `sources`, `delta`, then `done` or `error`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use chat::{AnswerEvent, CompletedAnswer};
use domain::{FinishReason, Language, TurnId, Usage};
use futures::{Stream, StreamExt};
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;
use crate::routes::conversations::{CitationView, TurnView};

/// A comment this often keeps proxies from closing the stream while the model reads.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Done {
    turn_id: TurnId,
    finish_reason: Option<FinishReason>,
    language: Language,
    abstained: bool,
    content: String,
    html: String,
    citations: Vec<CitationView>,
    usage: Usage,
    timings_ms: BTreeMap<String, f64>,
}

/// The response that streams an answer. When the reader goes away it is dropped, and with it the answer's channel.
pub fn stream(
    events: impl Stream<Item = AnswerEvent> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send> {
    kept_alive(events.map(|event| Ok(encode(event))))
}

/// A response that streams events.
pub fn kept_alive<S>(events: S) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn encode(event: AnswerEvent) -> Event {
    match event {
        AnswerEvent::Queued { position } => named("queued", &json!({ "position": position })),
        AnswerEvent::Sources(passages) => named("sources", &passages),
        AnswerEvent::Delta(text) => named("delta", &json!({ "text": text })),
        AnswerEvent::Done(completed) => named("done", &done(*completed)),
        AnswerEvent::Failed(error) => failed(error.into()),
    }
}

fn done(completed: CompletedAnswer) -> Done {
    let CompletedAnswer { turn, usage, timings_ms } = completed;
    let view = TurnView::from(turn);
    Done {
        turn_id: view.id,
        finish_reason: view.finish_reason,
        language: view.language,
        abstained: view.abstained,
        content: view.content,
        html: view.html,
        citations: view.citations,
        usage,
        timings_ms,
    }
}

/// The event that ends a stream before its time.
pub fn failed(error: ApiError) -> Event {
    let ApiError { code, message, .. } = error;
    named("error", &json!({ "code": code, "message": message }))
}

/// An event with JSON as its data.
pub fn named(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_else(|error| {
        // Only a value that JSON cannot hold ends up here, and none of ours is one; a reader must not wait for it.
        tracing::error!(%error, name, "an event cannot be encoded");
        Event::default().event("error").data(r#"{"code":"internal","message":"the event cannot be encoded"}"#)
    })
}
