//! The body of a request, which may not stand still, and whose rest is read when its handler does not want it.
//!
//! A client that is still sending a body never sees the answer to it if the connection is closed meanwhile. So what a handler
//! leaves (of a body that is too large, for one) is read and thrown away, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures::future::poll_fn;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tower_http::timeout::TimeoutBody;

/// Maximum time between two parts of a body.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(30);

/// Bounds of what is thrown away of a body.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_DISCARDED_BYTES: usize = 256 << 20;

type Timed = Pin<Box<TimeoutBody<Incoming>>>;

/// The body of a request on its way to a handler; `None` once there is nothing more to come.
pub(super) struct RequestBody(Option<Timed>);

impl RequestBody {
    pub(super) fn new(body: Incoming) -> Self {
        let arrives = !body.is_end_stream();
        Self(arrives.then(|| Box::pin(TimeoutBody::new(PROGRESS_TIMEOUT, body))))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = std::task::ready!(body.as_mut().poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |body| body.size_hint())
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(body) = self.0.take() else { return };
        // At the end of the process there is nobody to read it.
        if !body.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(DISCARD_TIMEOUT, discard(body)));
        }
    }
}

async fn discard(mut body: Timed) {
    let mut length_bytes = 0;
    while let Some(Ok(frame)) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        length_bytes += frame.data_ref().map_or(0, Bytes::len);
        if length_bytes > MAX_DISCARDED_BYTES {
            return;
        }
    }
}
