//! Refuses requests from pages of other websites: the server trusts whoever reaches its loopback address.
//!
//! A page on the Internet can make its visitor's browser send requests to 127.0.0.1, directly or under a name of its own
//! that resolves there (DNS rebinding). So `Host` must be a loopback name, and `Origin`, where there is one, this server.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::localized_text::LocalizedText;

/// Pages run scripts and load styles of this server only, and load nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Middleware: refuses requests that another site's page could have sent, and sets security headers on every response.
pub(crate) async fn check(request: Request, next: Next) -> Response {
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
        // A handler may have set a stricter value.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(headers: &HeaderMap) -> Option<ApiError> {
    let forbidden =
        |key| Some(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", LocalizedText::key(key)));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let Some(host) = host.filter(|host| is_loopback(host)) else {
        return forbidden("error-foreign-origin-host");
    };
    match headers.get(header::ORIGIN).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(origin)) if origin.strip_prefix("http://") == Some(host) => None,
        Some(_) => forbidden("error-foreign-origin"),
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
