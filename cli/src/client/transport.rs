//! Carries requests to the API: over HTTP to a server, or straight into the router in this process.

use std::convert::Infallible;

use anyhow::{Context, Result};
use http::header::{HOST, HeaderValue};
use reqwest::{Body, Request, Response};
use service::App;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt, service_fn};

/// Sends a request and gives its response.
pub(super) type Transport = BoxCloneSyncService<Request, Response, reqwest::Error>;

/// To a server on this machine.
pub(super) fn over_http() -> Result<Transport> {
    // A proxy must not come between two processes of one machine.
    let client = reqwest::Client::builder().no_proxy().build().context("cannot create an HTTP client")?;
    Ok(BoxCloneSyncService::new(client))
}

/// To the router in this process: the same routes, checks and errors, without a socket.
pub(super) fn in_process(app: App) -> Transport {
    let router = web::router(app);
    BoxCloneSyncService::new(service_fn(move |request: Request| {
        let router = router.clone();
        async move {
            let mut request = http::Request::<Body>::try_from(request)?;
            // What an HTTP client sets, and the guard against foreign pages wants.
            request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
            let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
            let (parts, body) = response.into_parts();
            let body = Body::wrap_stream(body.into_data_stream());
            Ok(Response::from(http::Response::from_parts(parts, body)))
        }
    }))
}
