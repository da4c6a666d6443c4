//! Tells the owner from others, and what is open to all.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service::owner::Owner;

use super::cookie;
use crate::api_error::ApiError;

/// What everybody may ask for: the page without any content, its texts, a sign of life, and the exchange of a code.
const OPEN_PATHS: [&str; 6] =
    ["/", "/healthz", "/readyz", "/openapi.json", "/api/v1/messages", "/api/v1/login"];

/// The beginning of more of them: the page's files.
const OPEN_PREFIX: &str = "/assets/";

/// The answer to others than the owner.
pub(crate) fn refusal() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, ApiError::of_code(StatusCode::UNAUTHORIZED, "unauthorized")).into_response()
}

/// Whether everybody may ask for what is at this path.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN_PATHS.contains(&path) || path.starts_with(OPEN_PREFIX)
}

/// Whether a request with these headers comes from the owner.
pub(crate) fn is_owner(headers: &HeaderMap, owner: &Owner) -> bool {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        return value.to_str().is_ok_and(|value| bearer(value).is_some_and(|token| owner.has_token(token)));
    }
    cookie::session(headers, owner).is_some_and(|session| owner.has_session(session))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_holds_no_content_is_open() {
        for path in ["/", "/assets/js/main.js", "/healthz", "/api/v1/messages", "/api/v1/login"] {
            assert!(is_open(path), "{path}");
        }
        for path in [
            "/api/v1/conversations",
            "/api/v1/backup",
            "/api/v1/login/codes",
            "/api/v1/messages/",
            "/metrics",
            "/nope",
            "//",
            "/assets",
        ] {
            assert!(!is_open(path), "{path}");
        }
    }

    #[test]
    fn a_token_is_read_from_its_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
