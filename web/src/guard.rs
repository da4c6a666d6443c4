//! Refuses requests that another website's page or a proxy could have sent.
//!
//! A page on the Internet can make its visitor's browser send requests to 127.0.0.1, directly or under a name of its own
//! that resolves there (DNS rebinding). So `Host` must be a loopback name or one from the settings, and `Origin`, where there
//! is one, this server. A proxy would let the world in, and there are no user accounts yet.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use url::Host;

use crate::api_error::ApiError;
use crate::localized_text::LocalizedText;

/// Headers by which a proxy tells whom it speaks for.
const PROXY_HEADERS: [&str; 7] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// The beginnings of the names of more of them.
const PROXY_PREFIXES: [&str; 2] = ["x-forwarded", "x-original-"];

/// The names under which the server is reached, besides loopback names.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublicNames(Arc<HashSet<String>>);

impl PublicNames {
    /// The names of the settings, as a browser writes them.
    pub(crate) fn new(names: &[String]) -> Self {
        let parsed = names.iter().filter_map(|name| Host::parse(name).ok());
        Self(Arc::new(parsed.map(|host| host.to_string()).collect()))
    }

    fn contains(&self, name: &str) -> bool {
        !self.0.is_empty() && Host::parse(name).is_ok_and(|host| self.0.contains(&host.to_string()))
    }
}

/// Why a request with these headers is refused; `None` for one that may pass.
pub(crate) fn refusal(headers: &HeaderMap, names: &PublicNames) -> Option<ApiError> {
    if headers.keys().any(is_of_proxy) {
        return Some(ApiError::of_code(StatusCode::FORBIDDEN, "proxy_refused"));
    }
    let forbidden =
        |key| Some(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", LocalizedText::key(key)));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let Some((host, is_public)) = host.and_then(|host| Some((host, is_public(host, names)?))) else {
        return forbidden("error-foreign-origin-host");
    };
    // Only a page's script says where it comes from.
    let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or_default();
    let is_own = |scheme| origin.strip_prefix(scheme).is_some_and(|own| own.eq_ignore_ascii_case(host));
    if is_own("http://") || is_public && is_own("https://") {
        return None;
    }
    forbidden("error-foreign-origin")
}

fn is_of_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    PROXY_HEADERS.contains(&name) || PROXY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether the host of `host[:port]` is one of the public names; `None` if it is neither that nor a loopback name.
fn is_public(authority: &str, names: &PublicNames) -> Option<bool> {
    let authority = authority.parse::<Authority>().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    (is_loopback || names.contains(host)).then_some(!is_loopback)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn refused(names: &PublicNames, headers: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        refusal(&headers, names).map(|error| error.code)
    }

    #[test]
    fn loopback_names_without_or_with_their_own_origin_pass() {
        let names = PublicNames::default();
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787", "LOCALHOST"] {
            assert_eq!(refused(&names, &[("host", host)]), None, "{host}");
        }
        let own = [("host", "127.0.0.1:8787"), ("origin", "http://127.0.0.1:8787")];
        assert_eq!(refused(&names, &own), None);
    }

    #[test]
    fn foreign_names_and_origins_are_refused() {
        let names = PublicNames::new(&["chat.example.com".to_owned()]);
        for host in ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "192.168.0.2:8787", ""] {
            assert_eq!(refused(&names, &[("host", host)]), Some("foreign_origin"), "{host}");
        }
        assert_eq!(refused(&names, &[]), Some("foreign_origin"));
        for origin in ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8787"] {
            let headers = [("host", "127.0.0.1:8787"), ("origin", origin)];
            assert_eq!(refused(&names, &headers), Some("foreign_origin"), "{origin}");
        }
    }

    #[test]
    fn a_public_name_passes_with_its_own_origin_alone() {
        let names = PublicNames::new(&["Chat.example.com".to_owned(), "대답.example".to_owned()]);
        for host in ["chat.example.com", "CHAT.example.com:443", "xn--kk1bva.example"] {
            assert_eq!(refused(&names, &[("host", host)]), None, "{host}");
        }
        for (origin, code) in [
            ("https://chat.example.com", None),
            ("http://chat.example.com", None),
            ("https://chat.example.com:8443", Some("foreign_origin")),
            ("https://evil.example", Some("foreign_origin")),
        ] {
            let headers = [("host", "chat.example.com"), ("origin", origin)];
            assert_eq!(refused(&names, &headers), code, "{origin}");
        }
        assert_eq!(refused(&names, &[("host", "evil.chat.example.com")]), Some("foreign_origin"));
    }

    #[test]
    fn what_a_proxy_sends_is_refused() {
        let names = PublicNames::new(&["kb.example.com".to_owned()]);
        for (header, value) in [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-host", "kb.example.com"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
            ("via", "1.1 proxy"),
        ] {
            for host in ["127.0.0.1:8787", "kb.example.com"] {
                assert_eq!(
                    refused(&names, &[("host", host), (header, value)]),
                    Some("proxy_refused"),
                    "{header}"
                );
            }
        }
    }
}
