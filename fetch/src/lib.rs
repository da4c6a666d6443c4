//! The one way to the Internet that leads to pages people name: a fetcher that goes nowhere it should not.
//!
//! Each hop of a redirect is looked at anew: its scheme, its host, and every address that the host has, resolved once. The
//! connection is made to those addresses and no others, so a name that resolves to something else a moment later makes no
//! difference. No proxy of the surroundings is used, for a proxy would resolve by itself; no cookie, referrer or password
//! is sent. What comes is bounded in time and in bytes, counted after decompression.

mod address;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{
    ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

pub use address::AllowedHost;

/// Longest time for one page, all redirects included.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Longest wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Most redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// What the other side reads in its log.
const USER_AGENT: &str = concat!("daedap/", env!("CARGO_PKG_VERSION"));

/// Finds the addresses of a name and port.
type Lookup = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Fetches pages. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    allowed: Arc<[AllowedHost]>,
    limit_bytes: u64,
    lookup: Lookup,
    time_limit: Duration,
}

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
    pub is_not_to_be_read: bool,
    pub(crate) validators: Validators,
    /// Its bytes, whatever they are.
    pub bytes: Bytes,
    /// When it was last changed, where the server says.
    pub modified_at: Option<Timestamp>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is no address of a page.
    #[error("{0} is not the address of a page; it must begin with http:// or https:// and hold no password")]
    BadUrl(String),
    /// It leads into the network of the server, or to the server itself.
    #[error(
        "{host} is an address inside a private network; an administrator can allow it (the setting `web.allowed_hosts`)"
    )]
    AddressRefused {
        /// The host.
        host: String,
    },
    /// Nobody answers there.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The server has no page for us.
    #[error("{host} answered {status}")]
    Status {
        /// The host.
        host: String,
        /// What it said.
        status: u16,
    },
    /// It leads on and on.
    #[error("the page leads on more than {MOST_REDIRECTS} times")]
    TooManyRedirects,
    /// It is longer than a document may be.
    #[error("the page has more than {limit_bytes} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// It takes too long.
    #[error("the page did not come within {} seconds", TIME_LIMIT.as_secs())]
    TooSlow,
}

impl FetchError {
    /// A code that stays the same between releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadUrl(_) => "bad_url",
            Self::AddressRefused { .. } => "address_refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Status { .. } => "page_status",
            Self::TooManyRedirects => "too_many_redirects",
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
        }
    }
}

impl Fetcher {
    /// A fetcher of pages of at most `limit_bytes`, which besides the public Internet reaches what is `allowed`.
    pub fn new(allowed: Vec<AllowedHost>, limit_bytes: u64) -> Self {
        let lookup: Lookup = Arc::new(|name, port| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
        });
        Self { allowed: allowed.into(), limit_bytes, lookup, time_limit: TIME_LIMIT }
    }

    /// Fetches the page at `url`, as [`page_url`] gives it.
    ///
    /// # Errors
    /// Any [`FetchError`].
    pub async fn fetch(&self, url: &Url) -> Result<Page, FetchError> {
        match self.fetch_if_changed(url, &Validators::default()).await? {
            Fetched::Page(page) => Ok(page),
            Fetched::NotModified => Err(status_error(url, StatusCode::NOT_MODIFIED)),
        }
    }

    /// The same, unless the page is the one that has these validators.
    ///
    /// # Errors
    /// Any [`FetchError`].
    pub(crate) async fn fetch_if_changed(
        &self,
        url: &Url,
        validators: &Validators,
    ) -> Result<Fetched, FetchError> {
        tokio::time::timeout(self.time_limit, self.follow(url.clone(), validators))
            .await
            .unwrap_or(Err(FetchError::TooSlow))
    }

    async fn follow(&self, mut url: Url, validators: &Validators) -> Result<Fetched, FetchError> {
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, validators).await?;
            let status = response.status();
            if status == StatusCode::NOT_MODIFIED {
                return Ok(Fetched::NotModified);
            }
            if status.is_redirection() {
                let next = header(&response, LOCATION).and_then(|next| url.join(&next).ok());
                url = page_url(next.as_ref().map_or("a redirect without a goal", Url::as_str))?;
                continue;
            }
            if !status.is_success() {
                return Err(status_error(&url, status));
            }
            return Ok(Fetched::Page(self.read(url, response).await?));
        }
        Err(FetchError::TooManyRedirects)
    }

    /// Asks for one page, at addresses that were looked at.
    async fn ask(&self, url: &Url, validators: &Validators) -> Result<Response, FetchError> {
        let addresses = self.addresses(url).await?;
        let mut client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_LIMIT);
        if let Some(Host::Domain(name)) = url.host() {
            client = client.resolve_to_addrs(name, &addresses);
        }
        let client = client.build().map_err(|error| unreachable(url, &error))?;
        let mut request = client.get(url.clone());
        for (name, value) in
            [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)]
        {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                request = request.header(name, value);
            }
        }
        request.send().await.map_err(|error| unreachable(url, &error))
    }

    /// The addresses of the URL's host, all of which may be reached.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        let bad = || FetchError::BadUrl(url.to_string());
        let port = url.port_or_known_default().ok_or_else(bad)?;
        let (name, addresses) = match url.host().ok_or_else(bad)? {
            Host::Ipv4(address) => (None, vec![SocketAddr::new(address.into(), port)]),
            Host::Ipv6(address) => (None, vec![SocketAddr::new(address.into(), port)]),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                let found = (self.lookup)(name.to_owned(), port).await;
                (Some(name), found.map_err(|error| unreachable(url, &error))?)
            }
        };
        if addresses.is_empty() {
            return Err(unreachable(url, &"it has no address"));
        }
        let is_allowed = |address: &SocketAddr| address::may_reach(&self.allowed, name, *address);
        if !addresses.iter().all(is_allowed) {
            return Err(FetchError::AddressRefused { host: host(url) });
        }
        Ok(addresses)
    }

    async fn read(&self, url: Url, response: Response) -> Result<Page, FetchError> {
        let validators =
            Validators { etag: header(&response, ETAG), last_modified: header(&response, LAST_MODIFIED) };
        let modified_at = validators.last_modified.as_deref().and_then(http_date);
        let robots = header(&response, HeaderName::from_static("x-robots-tag")).unwrap_or_default();
        let is_not_to_be_read = robots.to_ascii_lowercase().contains("noindex");
        let mut pieces = response.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| unreachable(&url, &error))?;
            if (bytes.len() + piece.len()) as u64 > self.limit_bytes {
                return Err(FetchError::TooLarge { limit_bytes: self.limit_bytes });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Page { url, is_not_to_be_read, validators, bytes: bytes.into(), modified_at })
    }
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

fn status_error(url: &Url, status: StatusCode) -> FetchError {
    FetchError::Status { host: host(url), status: status.as_u16() }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// A header's value; some servers write their own language into `Location` as it is.
fn header(response: &Response, name: HeaderName) -> Option<String> {
    String::from_utf8(response.headers().get(name)?.as_bytes().to_vec()).ok()
}

/// A date as HTTP writes it; `GMT` is `+0000` in the format's modern form.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(&text.replace("GMT", "+0000")).ok().map(|date| date.timestamp())
}

/// The innermost cause says what happened; the others repeat the URL.
fn unreachable(url: &Url, error: &dyn std::fmt::Display) -> FetchError {
    FetchError::Unreachable { host: host(url), reason: error.to_string() }
}
