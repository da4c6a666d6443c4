//! Server-sent events of a response, read as they come.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures::{Stream, StreamExt};
use reqwest::{Response, header};

/// Longer than any answer of the small model; what hangs longer hangs for ever.
const WITHIN: Duration = Duration::from_secs(180);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its `event:` field; `message` where there is none.
    pub name: String,
    /// Its `data:` field.
    pub data: String,
}

impl SseEvent {
    /// The data as JSON.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data)
            .unwrap_or_else(|error| panic!("event {} holds {:?}: {error}", self.name, self.data))
    }
}

/// The events of `response`. Dropping the stream closes the connection, as a reader does who goes away.
///
/// # Panics
///
/// At once when the response is no event stream, and while reading when the connection breaks.
pub fn events(response: Response) -> impl Stream<Item = SseEvent> + Unpin {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_events = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
    assert!(status.is_success() && is_events, "expected events, not {status} with {kind:?}");
    response.bytes_stream().eventsource().map(|event| match event {
        Ok(event) => SseEvent { name: event.event, data: event.data },
        Err(error) => panic!("the event stream broke: {error}"),
    })
}

/// All events of `response`, to its end.
///
/// # Panics
///
/// As [`events`] does, and when the end does not come within three minutes.
pub async fn collect(response: Response) -> Vec<SseEvent> {
    match tokio::time::timeout(WITHIN, events(response).collect()).await {
        Ok(events) => events,
        Err(_) => panic!("the event stream did not end within {WITHIN:?}"),
    }
}
