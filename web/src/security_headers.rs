//! Sets the headers that tell a browser what it may do with a response, on every response, errors included.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Pages run scripts and load styles of this server only, and load nothing from elsewhere. Markup enters a page through one
/// function of its scripts (`js/trusted_html.js`).
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types daedap";

/// The headers. A handler may have set a stricter value.
static HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    // Answers and documents are nobody's to keep; files of the page say otherwise themselves.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Sets the headers.
pub(crate) fn set(response: &mut Response) {
    for (name, value) in &HEADERS {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
}
