//! Accepts connections, and serves each within bounds.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer_body::AnswerBody;
use super::connections::{Connection, ConnectionLimits, Connections};
use super::request_body::RequestBody;

/// Maximum size of a head, and of what is read or written ahead.
const BUFFER_BYTES: usize = 64 * 1024;

/// Connections that are told at the same time that there are too many; further ones are closed without a word.
const MAX_REFUSALS: usize = 64;

/// Maximum time to tell it.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Wait after a failure that is the system's, such as too many open files.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What connections are served with.
pub(super) struct Door {
    /// Answers requests.
    pub(super) router: Router,
    /// Answers requests of connections that are too many.
    pub(super) refusal: Router,
    pub(super) limits: ConnectionLimits,
    /// Ends it: requests in hand are answered, and nothing else is.
    pub(super) stop: CancellationToken,
}

impl Door {
    /// Serves until it is stopped and the last request is answered.
    pub(super) async fn serve(self, listener: TcpListener) {
        let connections = Connections::new(self.limits, self.stop.clone());
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    if let Some(connection) = connections.admit(peer.ip()) {
                        tasks.spawn(serve(stream, connection, self.router.clone()));
                    } else if let Ok(permit) = refusals.clone().try_acquire_owned() {
                        let router = self.refusal.clone();
                        tasks.spawn(async move {
                            refuse(stream, router).await;
                            drop(permit);
                        });
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
        drop(listener);
        tasks.close();
        tasks.wait().await;
    }
}

async fn serve(stream: TcpStream, connection: Connection, router: Router) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let in_hand = connection.begin_request();
        let answered = answer(router.clone(), request.map(|body| Body::new(RequestBody::new(body))));
        async move { Ok::<_, Infallible>(answered.await.map(|body| AnswerBody::new(body, in_hand))) }
    });
    // An event goes out when it is written, not when the one before it is acknowledged.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps small packets back");
    }
    let stream = InspectReader::new(stream, |bytes: &[u8]| {
        if !bytes.is_empty() {
            connection.bytes_came();
        }
    });
    let mut served = pin!(protocol().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A connection that breaks is the business of who broke it.
        _ = served.as_mut() => return,
        () = connection.overdue() => {}
        () = connection.told_to_close() => {}
    }
    served.as_mut().graceful_shutdown();
    if connection.is_idle() {
        // Half of a head is no request. What is left of a response is still sent.
        let _ = tokio::time::timeout(REFUSAL_TIMEOUT, served).await;
    } else {
        let _ = served.await;
    }
}

async fn refuse(stream: TcpStream, router: Router) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let answered = answer(router.clone(), request.map(Body::new));
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut protocol = protocol();
    let served = protocol.keep_alive(false).serve_connection(TokioIo::new(stream), service);
    let _ = tokio::time::timeout(REFUSAL_TIMEOUT, served).await;
}

async fn answer(mut router: Router, request: Request) -> Response {
    match tower::Service::call(&mut router, request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol.max_buf_size(BUFFER_BYTES);
    protocol
}

/// Whether it ended one connection before it was accepted, and says nothing about the next.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
