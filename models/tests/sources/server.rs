//! Serves package indexes, Hugging Face and file hosts over real HTTP, with faults on demand.

use std::collections::{HashMap, VecDeque};
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Sha256Digest;
use futures::StreamExt;
use models::{RetryPolicy, SourceOptions};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// How one request fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The response has this status.
    Status(u16),
    /// The connection breaks after this number of bytes.
    CutAfter(usize),
    /// The server stalls after this number of bytes.
    StallAfter(usize),
}

/// The response for one path.
#[derive(Default, Clone)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Redirect to this URL instead of sending the body.
    pub(crate) redirect: Option<String>,
    pub(crate) ignores_range: bool,
    /// Faults of the next requests, one each; later requests succeed.
    pub(crate) faults: VecDeque<Fault>,
}

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) authorization: Option<String>,
}

/// The server; it lives as long as the test's runtime.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    pages: HashMap<String, Page>,
    seen: Vec<Seen>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(Shared::default()));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state }
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.state.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(crate) fn fault(&self, path: &str, faults: &[Fault]) {
        self.state.lock().unwrap().pages.get_mut(path).unwrap().faults = faults.iter().copied().collect();
    }

    /// Requests for `path` so far; all of them for the empty path.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|seen| path.is_empty() || seen.path == path).cloned().collect()
    }

    /// Publishes a wheel of package `package`, version 1; returns its path.
    pub(crate) fn publish(&self, package: &str, wheel: Vec<u8>) -> String {
        let name = format!("{}-1-py3-none-any.whl", package.replace('-', "_"));
        let path = format!("/files/{name}");
        let listing = serde_json::json!({ "meta": { "api-version": "1.1" }, "files": [{
            "filename": name, "url": format!("{}{path}", self.url), "size": wheel.len(),
            "hashes": { "sha256": Sha256Digest::of(&wheel).to_string() },
        }] });
        self.put(
            &format!("/simple/{package}/"),
            Page {
                body: listing.to_string().into_bytes(),
                headers: vec![("content-type", "application/vnd.pypi.simple.v1+json".to_owned())],
                ..Page::default()
            },
        );
        self.put(&path, Page { body: wheel, ..Page::default() });
        path
    }

    /// Both sources are this server; failures are quick.
    pub(crate) fn options(&self) -> SourceOptions {
        SourceOptions {
            hugging_face_endpoint: self.url.clone(),
            hugging_face_token: None,
            package_index: format!("{}/simple", self.url),
            extra_certificates: None,
            retry: RetryPolicy {
                connect_timeout: Duration::from_secs(2),
                stall_timeout: Duration::from_millis(300),
                probe_timeout: Duration::from_millis(500),
                lock_timeout: Duration::from_secs(20),
                max_attempts: 3,
                first_delay: Duration::from_millis(10),
            },
        }
    }
}

/// A wheel with these members.
pub(crate) fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Bytes that do not compress, the same ones for the same seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(length)
    .collect()
}

async fn answer(State(state): State<Arc<Mutex<Shared>>>, request: Request) -> Response {
    let (path, method) = (request.uri().path().to_owned(), request.method().clone());
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let range = text(header::RANGE);
    let (page, fault) = {
        let mut state = state.lock().unwrap();
        state.seen.push(Seen {
            method: method.clone(),
            path: path.clone(),
            range: range.clone(),
            authorization: text(header::AUTHORIZATION),
        });
        let Some(page) = state.pages.get_mut(&path) else { return StatusCode::NOT_FOUND.into_response() };
        let fault = page.faults.pop_front();
        (page.clone(), fault)
    };
    if let Some(Fault::Status(status)) = fault {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    respond(&page, &method, range.as_deref().filter(|_| !page.ignores_range), fault)
}

fn respond(page: &Page, method: &Method, range: Option<&str>, fault: Option<Fault>) -> Response {
    let mut headers = HeaderMap::new();
    for (name, value) in &page.headers {
        headers.insert(*name, value.parse().unwrap());
    }
    if let Some(target) = &page.redirect {
        headers.insert(header::LOCATION, target.parse().unwrap());
        return (StatusCode::FOUND, headers).into_response();
    }
    let total = page.body.len();
    let start: usize =
        range.map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
    if range.is_some() && start >= total {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let body = page.body[start..].to_vec();
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    let status = match range {
        Some(_) => {
            headers.insert(
                header::CONTENT_RANGE,
                format!("bytes {start}-{}/{total}", total - 1).parse().unwrap(),
            );
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let body = if *method == Method::HEAD { Body::empty() } else { faulty(body, fault) };
    (status, headers, body).into_response()
}

fn faulty(body: Vec<u8>, fault: Option<Fault>) -> Body {
    let until = |length: usize| Ok(Bytes::copy_from_slice(&body[..length.min(body.len())]));
    let beginning = |length| futures::stream::iter([until(length)]);
    match fault {
        None | Some(Fault::Status(_)) => Body::from(body),
        Some(Fault::CutAfter(length)) => {
            // The pause lets the beginning leave before the connection goes.
            let cut = futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(beginning(length).chain(cut))
        }
        Some(Fault::StallAfter(length)) => Body::from_stream(
            beginning(length).chain(futures::stream::pending::<Result<Bytes, std::io::Error>>()),
        ),
    }
}
