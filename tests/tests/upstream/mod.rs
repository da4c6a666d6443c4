//! An OpenAI-compatible server whose answers are in the test's hands: what it says, when, and whether it is there.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::stream;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};

/// How long a request may take to arrive: the server embeds the question before.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// The server, until it is dropped.
pub(crate) struct Upstream {
    /// Its base URL.
    pub(crate) url: String,
    requests: Mutex<mpsc::UnboundedReceiver<Reply>>,
    stop: Option<oneshot::Sender<()>>,
}

/// The answer to one request.
pub(crate) struct Reply {
    events: mpsc::UnboundedSender<String>,
}

#[derive(Clone)]
struct Conduct {
    requests: mpsc::UnboundedSender<Reply>,
    refuses: Arc<Option<StatusCode>>,
}

impl Upstream {
    /// A server that waits for the test.
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    /// A server that refuses every question with `status`.
    pub(crate) async fn refusing(status: StatusCode) -> Self {
        Self::with(Some(status)).await
    }

    async fn with(refuses: Option<StatusCode>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("a bound socket has an address"));
        let (requests, received) = mpsc::unbounded_channel();
        let app = Router::new()
            .route("/v1/models", get(StatusCode::OK))
            .route("/v1/chat/completions", post(complete))
            .with_state(Conduct { requests, refuses: Arc::new(refuses) });
        let (stop, stopped) = oneshot::channel::<()>();
        // Connections without a request are closed as well.
        let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        tokio::spawn(serving.into_future());
        Self { url, requests: Mutex::new(received), stop: Some(stop) }
    }

    /// The next request.
    pub(crate) async fn asked(&self) -> Reply {
        let mut requests = self.requests.lock().await;
        let reply = tokio::time::timeout(ASKED_WITHIN, requests.recv()).await.expect("it is asked in time");
        reply.expect("the server runs")
    }

    /// Ends the server: nobody listens any more.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }
}

impl Reply {
    /// Says more of the answer.
    pub(crate) fn say(&self, text: &str) {
        self.send(&format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#));
    }

    /// Ends the answer.
    pub(crate) fn finish(self) {
        self.send(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#);
        self.send("[DONE]");
    }

    fn send(&self, data: &str) {
        // The reader may have left.
        let _ = self.events.send(format!("data: {data}\n\n"));
    }
}

async fn complete(State(conduct): State<Conduct>) -> Response {
    if let Some(status) = *conduct.refuses {
        return (status, "no").into_response();
    }
    let (events, received) = mpsc::unbounded_channel();
    // A test that has ended asks for no more replies.
    let _ = conduct.requests.send(Reply { events });
    let body = stream::unfold(received, |mut received| async {
        let event = received.recv().await?;
        Some((Ok::<_, std::io::Error>(event), received))
    });
    Body::from_stream(body).into_response()
}
