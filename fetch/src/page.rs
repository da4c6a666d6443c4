//! Defines a fetched page, and the form of its address.

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use crate::error::FetchError;

/// What identifies the content of a page to its server, as the server wrote it (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// The answer to a conditional request.
pub(crate) enum Fetched {
    Page(Page),
    /// It has not changed.
    NotModified,
}

/// A page that was fetched.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address, after all redirects.
    pub url: Url,
    /// Whether no redirect led to it but permanent ones.
    pub(crate) is_permanent: bool,
    /// Whether its server does not want it to be indexed (`X-Robots-Tag`).
    pub is_noindex: bool,
    pub(crate) validators: Validators,
    /// Its content, in whatever format.
    pub bytes: Bytes,
    /// When it was last changed, if the server says so.
    pub modified_at: Option<Timestamp>,
}

/// Parses the address of a page, and removes the fragment, so that a page has one address.
///
/// # Errors
/// `BadUrl`.
pub fn page_url(text: &str) -> Result<Url, FetchError> {
    let mut url = Url::parse(text.trim()).map_err(|_| FetchError::BadUrl(text.to_owned()))?;
    let is_page = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    if !is_page {
        return Err(FetchError::BadUrl(text.to_owned()));
    }
    url.set_fragment(None);
    Ok(url)
}
