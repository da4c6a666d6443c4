//! Sends Server-Sent Events.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures::{Stream, StreamExt};

use crate::api::events::StreamEvent;

/// Comments at this interval keep proxies from closing a stream while the model works.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// What stands between must pass events on as they come: neither keep, collect nor compress them.
const UNBUFFERED: [(HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-cache, no-transform"), (HeaderName::from_static("x-accel-buffering"), "no")];

/// A response that streams events. When the reader disconnects it is dropped, and `events` with it.
pub(crate) fn response<E: StreamEvent>(events: impl Stream<Item = E> + Send + 'static) -> Response {
    let encoded = events.map(|event| Ok::<_, Infallible>(encode(&event)));
    let mut response =
        Sse::new(encoded).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL)).into_response();
    for (name, value) in UNBUFFERED {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn encode(event: &impl StreamEvent) -> Event {
    match event.encode() {
        Ok((name, data)) => Event::default().event(name).data(data),
        // Only a value that JSON cannot hold comes here, and the API has none; a reader must not wait for it.
        Err(error) => {
            tracing::error!(%error, "cannot encode an event");
            Event::default().event("error").data(r#"{"code":"internal","message":"cannot encode the event"}"#)
        }
    }
}
