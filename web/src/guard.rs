//! Keeps other websites out of a server that trusts whoever reaches its loopback address.
//!
//! A page on the internet can make its visitor's browser send requests to 127.0.0.1, directly or under a name of its
//! own that resolves there (DNS rebinding). So the `Host` must be a loopback name, and an `Origin` must be this server.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Only this server's own scripts and styles run in its pages, and nothing is loaded from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Middleware: refuses requests that a foreign page could have sent, and hardens every response.
pub async fn check(request: Request, next: Next) -> Response {
    let mut response = match refusal(request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        // A handler may have said something stricter.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(headers: &HeaderMap) -> Option<ApiError> {
    let forbidden = |message| Some(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", message));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let Some(host) = host.filter(|host| is_loopback(host)) else {
        return forbidden("without keys this server answers on loopback names only");
    };
    match headers.get(header::ORIGIN).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(origin)) if origin.strip_prefix("http://") == Some(host) => None,
        Some(_) => forbidden("the request comes from a page of another site"),
    }
}

/// Whether the host of `host[:port]` is `localhost` or a loopback address.
fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: Option<&'static str>, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, HeaderValue::from_static(host));
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        refusal(&headers).is_some()
    }

    #[test]
    fn loopback_names_without_or_with_their_own_origin_pass() {
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787", "LOCALHOST"] {
            assert!(!refused(Some(host), None), "{host}");
        }
        assert!(!refused(Some("127.0.0.1:8787"), Some("http://127.0.0.1:8787")));
    }

    #[test]
    fn foreign_names_and_origins_are_refused() {
        for host in ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "192.168.0.2:8787", ""] {
            assert!(refused(Some(host), None), "{host}");
        }
        assert!(refused(None, None));
        for origin in ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8787"] {
            assert!(refused(Some("127.0.0.1:8787"), Some(origin)), "{origin}");
        }
    }
}
