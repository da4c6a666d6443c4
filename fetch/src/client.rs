//! Fetches pages, at public addresses only.
//!
//! Each hop of a redirect is checked: its scheme, its host, and every address that the host resolves to, once. The
//! connection goes to those addresses and no others, so a name that resolves differently a moment later (DNS rebinding)
//! makes no difference. Proxies of the environment are ignored, because a proxy resolves names itself. No cookie, referrer
//! or password is sent. A page is bounded in time and in bytes, which are counted after decompression.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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

use crate::address::{AllowedHost, may_reach};
use crate::error::FetchError;
use crate::limits::{CONNECT_TIMEOUT, MAX_REDIRECTS, PAGE_TIMEOUT};
use crate::page::{Fetched, Page, Validators, page_url};

const USER_AGENT: &str = concat!("daedap/", env!("CARGO_PKG_VERSION"));

/// Resolves a name and port.
type Lookup = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// What is done with a page of more bytes than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnExcess {
    Refuse,
    /// It ends at the limit.
    Cut,
}

/// Fetches pages. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    allowed: Arc<[AllowedHost]>,
    limit_bytes: u64,
    on_excess: OnExcess,
    lookup: Lookup,
    timeout: Duration,
}

impl Fetcher {
    /// A fetcher of pages of at most `limit_bytes` from the public Internet and from `allowed` hosts.
    pub fn new(allowed: Vec<AllowedHost>, limit_bytes: u64) -> Self {
        let lookup: Lookup = Arc::new(|name, port| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
        });
        let on_excess = OnExcess::Refuse;
        Self { allowed: allowed.into(), limit_bytes, on_excess, lookup, timeout: PAGE_TIMEOUT }
    }

    /// The same fetcher for pages of at most `limit_bytes`.
    pub(crate) fn up_to(&self, limit_bytes: u64) -> Self {
        Self { limit_bytes, ..self.clone() }
    }

    /// The same fetcher for the first `limit_bytes` of pages of any size.
    pub(crate) fn beginning(&self, limit_bytes: u64) -> Self {
        Self { limit_bytes, on_excess: OnExcess::Cut, ..self.clone() }
    }

    /// Fetches the page at `url`, which must come from [`page_url`].
    ///
    /// # Errors
    /// Any [`FetchError`].
    pub async fn fetch(&self, url: &Url) -> Result<Page, FetchError> {
        match self.fetch_if_changed(url, &Validators::default()).await? {
            Fetched::Page(page) => Ok(page),
            Fetched::NotModified => Err(status_error(url, StatusCode::NOT_MODIFIED)),
        }
    }

    /// Fetches the page at `url` unless it still has these validators.
    ///
    /// # Errors
    /// Any [`FetchError`].
    pub(crate) async fn fetch_if_changed(
        &self,
        url: &Url,
        validators: &Validators,
    ) -> Result<Fetched, FetchError> {
        tokio::time::timeout(self.timeout, self.follow(url.clone(), validators))
            .await
            .unwrap_or(Err(FetchError::TooSlow))
    }

    async fn follow(&self, mut url: Url, validators: &Validators) -> Result<Fetched, FetchError> {
        let mut is_permanent = true;
        // They identify the content at the first address. Another page's may be equal.
        let (mut validators, none) = (validators, Validators::default());
        for _ in 0..=MAX_REDIRECTS {
            let response = self.request(&url, validators).await?;
            let status = response.status();
            if status == StatusCode::NOT_MODIFIED && *validators != none {
                return Ok(Fetched::NotModified);
            }
            if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
                let next = header(&response, LOCATION).and_then(|next| url.join(&next).ok());
                url = page_url(next.as_ref().map_or("a redirect without a location", Url::as_str))?;
                is_permanent &=
                    matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
                validators = &none;
                continue;
            }
            if !status.is_success() {
                return Err(status_error(&url, status));
            }
            let page = self.read(url, response).await?;
            return Ok(Fetched::Page(Page { is_permanent, ..page }));
        }
        Err(FetchError::TooManyRedirects)
    }

    /// Sends one request, to checked addresses.
    async fn request(&self, url: &Url, validators: &Validators) -> Result<Response, FetchError> {
        let addresses = self.addresses(url).await?;
        let mut client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT);
        if let Some(Host::Domain(name)) = url.host() {
            client = client.resolve_to_addrs(name, &addresses);
        }
        let client = client.build().map_err(|error| unreachable(url, error))?;
        let mut request = client.get(url.clone());
        for (name, value) in
            [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)]
        {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                request = request.header(name, value);
            }
        }
        request.send().await.map_err(|error| unreachable(url, error.without_url()))
    }

    /// Resolves the URL's host, and checks that all of its addresses are allowed.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        let bad = || FetchError::BadUrl(url.to_string());
        let port = url.port_or_known_default().ok_or_else(bad)?;
        let (name, addresses) = match url.host().ok_or_else(bad)? {
            Host::Ipv4(address) => (None, vec![SocketAddr::new(address.into(), port)]),
            Host::Ipv6(address) => (None, vec![SocketAddr::new(address.into(), port)]),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                let found = (self.lookup)(name.to_owned(), port).await;
                (Some(name), found.map_err(|error| unreachable(url, error))?)
            }
        };
        if addresses.is_empty() {
            return Err(unreachable(url, "it has no address"));
        }
        let is_allowed = |address: &SocketAddr| may_reach(&self.allowed, name, *address);
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
        let is_noindex = robots.to_ascii_lowercase().contains("noindex");
        let mut chunks = response.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| unreachable(&url, error.without_url()))?;
            if (bytes.len() + chunk.len()) as u64 > self.limit_bytes {
                if self.on_excess == OnExcess::Refuse {
                    return Err(FetchError::TooLarge { limit_bytes: self.limit_bytes });
                }
                bytes.extend_from_slice(&chunk[..(self.limit_bytes as usize).saturating_sub(bytes.len())]);
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Page { url, is_permanent: true, is_noindex, validators, bytes: bytes.into(), modified_at })
    }
}

fn status_error(url: &Url, status: StatusCode) -> FetchError {
    FetchError::Status { host: host(url), status: status.as_u16() }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// A header's value. It may be UTF-8: some servers do not encode the characters of their language in `Location`.
fn header(response: &Response, name: HeaderName) -> Option<String> {
    String::from_utf8(response.headers().get(name)?.as_bytes().to_vec()).ok()
}

/// Parses an HTTP date, which is an RFC 2822 date except for `GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(&text.replace("GMT", "+0000")).ok().map(|date| date.timestamp())
}

fn unreachable(url: &Url, source: impl Into<Box<dyn Error + Send + Sync>>) -> FetchError {
    FetchError::Unreachable { host: host(url), source: source.into() }
}
