//! What a site's `robots.txt` (RFC 9309) allows.

use std::time::Duration;

use texting_robots::Robot;
use url::Url;

use crate::client::Fetcher;
use crate::error::FetchError;

/// The name by which `robots.txt` may address us.
const ROBOT_NAME: &str = "daedap";

/// The pause between two requests, and the longest that a site may ask for.
const PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The rules of one site.
pub(crate) struct Robots {
    rules: Robot,
}

impl Robots {
    /// Fetches the rules of the site that `start` is on. A site without rules allows everything; one that does not
    /// answer is not crawled.
    ///
    /// # Errors
    /// `Unreachable` for rules that cannot be read, and those of [`Fetcher::fetch`].
    pub(crate) async fn fetch(fetcher: &Fetcher, start: &Url) -> Result<Self, FetchError> {
        let address = start.join("/robots.txt").map_err(|_| FetchError::BadUrl(start.to_string()))?;
        let rules = match fetcher.fetch(&address).await {
            Ok(page) => page.bytes,
            Err(FetchError::Status { status: 400..=499, .. }) => bytes::Bytes::new(),
            Err(error) => return Err(error),
        };
        let rules = Robot::new(ROBOT_NAME, &rules).map_err(|error| FetchError::Unreachable {
            host: start.host_str().unwrap_or_default().to_owned(),
            reason: format!("its robots.txt cannot be read: {error}"),
        })?;
        Ok(Self { rules })
    }

    pub(crate) fn allow(&self, url: &Url) -> bool {
        self.rules.allowed(url.as_str())
    }

    /// Addresses of the sitemaps that it names.
    pub(crate) fn sitemaps(&self) -> &[String] {
        &self.rules.sitemaps
    }

    /// How long to wait before the next request.
    pub(crate) fn pause(&self) -> Duration {
        let wanted = self.rules.delay.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
        wanted.unwrap_or(PAUSE).clamp(PAUSE, MAX_PAUSE)
    }
}
