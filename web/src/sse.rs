//! Sends Server-Sent Events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt};

use crate::api::events::StreamEvent;

/// Comments at this interval keep proxies from closing a stream while the model works.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// A response that streams events. When the reader disconnects it is dropped, and `events` with it.
pub(crate) fn response<E: StreamEvent>(
    events: impl Stream<Item = E> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send + 'static> {
    let encoded = events.map(|event| Ok(encode(&event)));
    Sse::new(encoded).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL))
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
