//! Defines why a page cannot be fetched.

use std::error::Error;

use domain::PageReaderError;

use crate::limits::{MAX_REDIRECTS, PAGE_TIMEOUT};

/// Why a page cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is not the address of a page.
    #[error(
        "`{0}` is not the address of a web page; it must begin with `http://` or `https://` and contain no password"
    )]
    BadUrl(String),
    /// It is an address in the network of this server, or of this server itself.
    #[error(
        "`{host}` is an address inside a private network; an administrator can allow it with the setting `web.allowed_hosts`"
    )]
    AddressRefused {
        /// The host.
        host: String,
    },
    /// The host cannot be resolved or connected to, or the connection broke.
    #[error("`{host}` cannot be reached")]
    Unreachable {
        /// The host.
        host: String,
        /// What failed.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server answered with an error.
    #[error("`{host}` answered {status}")]
    Status {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It redirects too often.
    #[error("too many redirects (more than {MAX_REDIRECTS})")]
    TooManyRedirects,
    /// It redirects out of the site, or to a page that others redirect to as well, as to a log-in page.
    #[error("the page redirects to `{to}`, which does not replace it")]
    Redirected {
        /// The address it redirects to.
        to: String,
    },
    /// A sitemap or another list of pages is a web page, damaged, or cut off.
    #[error("the list of pages cannot be read: it is a web page, damaged or cut off")]
    BadList,
    /// It is larger than a document may be.
    #[error("the page has more than {limit_bytes} bytes")]
    TooLarge {
        /// The maximum.
        limit_bytes: u64,
    },
    /// It took too long.
    #[error("the page did not arrive within {} seconds", PAGE_TIMEOUT.as_secs())]
    TooSlow,
    /// It arrived, but its links, or the rules or the list that it is, cannot be read.
    #[error("the page cannot be read")]
    Unreadable(#[from] PageReaderError),
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
            Self::Redirected { .. } => "redirected",
            Self::BadList => "bad_list",
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
            Self::Unreadable(_) => "page_unreadable",
        }
    }
}
