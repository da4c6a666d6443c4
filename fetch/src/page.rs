//! A page and its address.

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use crate::error::FetchError;

/// What a server tells the contents of a page apart by, as it wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// What came of asking for a page that may be known.
pub(crate) enum Fetched {
    Page(Page),
    /// It is as it was.
    NotModified,
}

/// A page that was fetched.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address, after all redirects.
    pub url: Url,
    /// Whether its server wants it not to be found (`X-Robots-Tag`).
    pub is_noindex: bool,
    pub(crate) validators: Validators,
    /// Its bytes, whatever they are.
    pub bytes: Bytes,
    /// When it was last changed, where the server says.
    pub modified_at: Option<Timestamp>,
}

/// The address of a page in its one form: without a fragment, which is a place within it.
///
/// # Errors
/// `BadUrl` for what is none.
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
