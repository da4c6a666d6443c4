//! Obeys a site's `robots.txt` (RFC 9309).

use std::time::Duration;

use domain::{PageReader, RobotsRules};
use url::Url;

use crate::client::Fetcher;
use crate::error::FetchError;
use crate::limits::MAX_ROBOTS_BYTES;

/// The name of this crawler in `robots.txt`.
const ROBOT_NAME: &str = "daedap";

/// Minimum pause between two requests.
const MIN_PAUSE: Duration = Duration::from_millis(500);

/// Maximum pause that a site can demand.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The rules of one site.
pub(crate) struct Robots {
    rules: RobotsRules,
}

impl Robots {
    /// Fetches the rules of the site that `start` is on. A site without rules allows everything; one that does not
    /// answer is not crawled. Of rules that are longer than any should be, the beginning counts.
    ///
    /// # Errors
    /// `Unreadable`, and those of [`Fetcher::fetch`].
    pub(crate) async fn fetch(
        fetcher: &Fetcher,
        reader: &dyn PageReader,
        start: &Url,
    ) -> Result<Self, FetchError> {
        let rules = match fetcher.beginning(MAX_ROBOTS_BYTES).fetch(&Self::address(start)?).await {
            Ok(page) => reader.robots(&page.bytes, ROBOT_NAME).await?,
            Err(FetchError::Status { status: 400..=499, .. }) => RobotsRules::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { rules })
    }

    /// Where the rules of the site that `start` is on are.
    ///
    /// # Errors
    /// `BadUrl`.
    pub(crate) fn address(start: &Url) -> Result<Url, FetchError> {
        start.join("/robots.txt").map_err(|_| FetchError::BadUrl(start.to_string()))
    }

    /// Whether the page at `url` may be fetched.
    pub(crate) fn allow(&self, url: &Url) -> bool {
        match url.query() {
            Some(query) => self.rules.allow(&format!("{}?{query}", url.path())),
            None => self.rules.allow(url.path()),
        }
    }

    /// The addresses of the sitemaps that it names.
    pub(crate) fn sitemaps(&self) -> &[String] {
        &self.rules.sitemaps
    }

    /// How long to wait before the next request.
    pub(crate) fn pause(&self) -> Duration {
        let wanted = self.rules.delay_seconds.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
        wanted.unwrap_or(MIN_PAUSE).clamp(MIN_PAUSE, MAX_PAUSE)
    }
}
