//! Why a page cannot be fetched.

use crate::limits::{MAX_REDIRECTS, PAGE_TIMEOUT};

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
    #[error("the page leads on more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    /// It is longer than a document may be.
    #[error("the page has more than {limit_bytes} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// It takes too long.
    #[error("the page did not come within {} seconds", PAGE_TIMEOUT.as_secs())]
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
