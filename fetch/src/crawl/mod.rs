//! Web sites: which pages there are, fetched one after the other as their owners want it.
//!
//! ```text
//! robots.txt --> sitemap, or the start and llms.txt --> page --> links within the site --> page ...
//! ```
//!
//! A site is what lies below the start's folder on the start's host. What `robots.txt` (RFC 9309) or a page's own robots
//! tags refuse is left alone; a page that names another address as its own (`rel=canonical`) is that one. Between two
//! requests lies a pause. How many pages and how far from the start is bounded.

mod links;
mod site;
mod sitemap;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use db::WebPage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use texting_robots::Robot;
use url::Url;

use crate::fetch::{FetchError, Fetched, Fetcher, Page, Validators, page_url};
use links::Links;

pub use site::{SiteRequest, sync_site};

/// The name by which `robots.txt` may address us.
const ROBOT_NAME: &str = "daedap";

/// The pause between two requests, and the longest that a site may ask for.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Most sitemaps of a site, those named in others included.
const MOST_SITEMAPS: usize = 50;

/// What pages link to and nobody asks questions about.
const NO_DOCUMENTS: &[&str] = &[
    "avif", "bmp", "css", "eot", "gif", "gz", "ico", "jpeg", "jpg", "js", "map", "mov", "mp3", "mp4", "ogg",
    "png", "svg", "tar", "tgz", "tif", "tiff", "ttf", "wav", "webm", "webp", "woff", "woff2", "xml", "zip",
];

/// How a site's pages are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// By links, from the start on.
    Links,
    /// By the sitemap that the address is, that `robots.txt` names, or that lies where sitemaps do.
    Sitemap,
}

/// A site to be read.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where it begins.
    pub start: Url,
    /// How its pages are found.
    pub follow: Follow,
    /// Most pages.
    pub max_pages: usize,
    /// Most links from the start to a page.
    pub max_depth: usize,
}

/// What became of one address.
pub(crate) enum Visit {
    /// A page, new or changed.
    Page(SitePage),
    /// A page that is as it was.
    Unchanged(String),
    /// A page that is there no more, or that is not to be read.
    Gone(String),
    /// A page that cannot be had now.
    Failed(String, FetchError),
}

/// A page of a site.
pub(crate) struct SitePage {
    /// What is to be known of it.
    pub(crate) known: WebPage,
    pub(crate) bytes: bytes::Bytes,
    pub(crate) modified_at: Option<Timestamp>,
}

/// A walk through a site.
pub(crate) struct Crawler<'a> {
    fetcher: &'a Fetcher,
    site: &'a Site,
    robot: Robot,
    /// What was known before, by address.
    known: HashMap<String, WebPage>,
    queue: VecDeque<(Url, usize)>,
    /// All that was ever in the queue, and all that named itself.
    met: HashSet<String>,
    fetched: usize,
}

impl<'a> Crawler<'a> {
    /// Asks the site for its rules, and where its pages are. `known` are pages of which nothing is to be had unless they changed.
    ///
    /// # Errors
    /// Those of fetching `robots.txt`, if the site does not answer, or its sitemaps.
    pub(crate) async fn begin(
        fetcher: &'a Fetcher,
        site: &'a Site,
        known: HashMap<String, WebPage>,
    ) -> Result<Self, FetchError> {
        let robot = robot(fetcher, &site.start).await?;
        let (queue, met) = (VecDeque::new(), HashSet::new());
        let mut crawler = Self { fetcher, site, robot, known, queue, met, fetched: 0 };
        match site.follow {
            Follow::Links => crawler.start_from_links().await,
            Follow::Sitemap => crawler.start_from_sitemaps().await?,
        }
        Ok(crawler)
    }

    /// Whether every page that there is was looked at: none is left for want of room.
    pub(crate) fn saw_all(&self) -> bool {
        self.queue.is_empty()
    }

    /// Looks at the next address; `None` when there is no more, or no more are allowed.
    pub(crate) async fn next(&mut self) -> Option<Visit> {
        loop {
            if self.fetched >= self.site.max_pages {
                return None;
            }
            let (url, depth) = self.queue.pop_front()?;
            if !self.robot.allowed(url.as_str()) {
                if self.known.contains_key(url.as_str()) {
                    return Some(Visit::Gone(url.into()));
                }
                continue;
            }
            self.pause().await;
            self.fetched += 1;
            if let Some(visit) = self.visit(url, depth).await {
                return Some(visit);
            }
        }
    }

    async fn visit(&mut self, url: Url, depth: usize) -> Option<Visit> {
        let known = self.known.get(url.as_str()).cloned();
        let validators = known.as_ref().map(validators).unwrap_or_default();
        match (self.fetcher.fetch_if_changed(&url, &validators).await, known) {
            (Ok(Fetched::Page(page)), _) => self.read(&url, page, depth),
            (Ok(Fetched::NotModified), known) => {
                self.add_all(known.into_iter().flat_map(|page| page.links), depth + 1);
                Some(Visit::Unchanged(url.into()))
            }
            (Err(FetchError::Status { status: 404 | 410, .. }), Some(_)) => Some(Visit::Gone(url.into())),
            (Err(error), _) => Some(Visit::Failed(url.into(), error)),
        }
    }

    /// A page that came; `None` if it is another one that was met, or lies elsewhere.
    fn read(&mut self, asked: &Url, page: Page, depth: usize) -> Option<Visit> {
        let links = Links::of(&page.bytes, &page.url);
        let own = links.canonical.clone().filter(|own| self.is_within(own)).unwrap_or(page.url);
        if !self.is_within(&own) || (own != *asked && !self.met.insert(own.to_string())) {
            return None;
        }
        let within: Vec<String> =
            links.leads_to.into_iter().filter(|link| self.is_within(link)).map(String::from).collect();
        self.add_all(within.iter().cloned(), depth + 1);
        if links.is_not_to_be_read || page.is_not_to_be_read {
            return Some(Visit::Gone(own.into()));
        }
        let Validators { etag, last_modified } = page.validators;
        let known = WebPage { url: own.into(), etag, last_modified, links: within };
        Some(Visit::Page(SitePage { known, bytes: page.bytes, modified_at: page.modified_at }))
    }

    async fn start_from_links(&mut self) {
        self.add(self.site.start.clone(), 0);
        // Made for readers like us, where there is one: https://llmstxt.org
        let Ok(list) = self.site.start.join("llms.txt") else { return };
        self.pause().await;
        if let Ok(page) = self.fetcher.fetch(&list).await {
            let text = String::from_utf8_lossy(&page.bytes);
            self.add_all(crate::parse::markdown::links(&text).into_iter(), 1);
        }
    }

    async fn start_from_sitemaps(&mut self) -> Result<(), FetchError> {
        let start = &self.site.start;
        let mut maps: VecDeque<Url> = if start.path().ends_with(".xml") {
            VecDeque::from([start.clone()])
        } else {
            self.robot.sitemaps.iter().filter_map(|map| page_url(map).ok()).collect()
        };
        if maps.is_empty() {
            maps.extend(start.join("/sitemap.xml").ok());
        }
        let mut read = 0;
        while let Some(map) = maps.pop_front() {
            if read == MOST_SITEMAPS {
                break;
            }
            read += 1;
            self.pause().await;
            let page = self.fetcher.fetch(&map).await?;
            let listed = sitemap::read(&page.bytes);
            self.add_all(listed.pages.into_iter(), 1);
            maps.extend(listed.sitemaps.iter().filter_map(|map| page_url(map).ok()));
        }
        Ok(())
    }

    fn add_all(&mut self, links: impl Iterator<Item = String>, depth: usize) {
        for link in links {
            if let Ok(url) = self.site.start.join(&link)
                && let Ok(url) = page_url(url.as_str())
            {
                self.add(url, depth);
            }
        }
    }

    fn add(&mut self, url: Url, depth: usize) {
        if depth <= self.site.max_depth && self.is_within(&url) && self.met.insert(url.to_string()) {
            self.queue.push_back((url, depth));
        }
    }

    fn is_within(&self, url: &Url) -> bool {
        let start = &self.site.start;
        let folder = match self.site.follow {
            Follow::Links => start.path().rfind('/').map_or("/", |end| &start.path()[..=end]),
            // A sitemap lists what belongs to it.
            Follow::Sitemap => "/",
        };
        let extension = url.path().rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        let is_document = extension
            .is_none_or(|(_, extension)| !NO_DOCUMENTS.contains(&extension.to_ascii_lowercase().as_str()));
        url.origin() == start.origin() && url.path().starts_with(folder) && is_document
    }

    async fn pause(&self) {
        let wanted = self.robot.delay.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
        tokio::time::sleep(wanted.unwrap_or(PAUSE).clamp(PAUSE, LONGEST_PAUSE)).await;
    }
}

fn validators(page: &WebPage) -> Validators {
    Validators { etag: page.etag.clone(), last_modified: page.last_modified.clone() }
}

/// The site's rules. One that has none allows all; one that does not say is not read.
async fn robot(fetcher: &Fetcher, start: &Url) -> Result<Robot, FetchError> {
    let address = start.join("/robots.txt").map_err(|_| FetchError::BadUrl(start.to_string()))?;
    let rules = match fetcher.fetch(&address).await {
        Ok(page) => page.bytes,
        Err(FetchError::Status { status: 400..=499, .. }) => bytes::Bytes::new(),
        Err(error) => return Err(error),
    };
    Robot::new(ROBOT_NAME, &rules).map_err(|error| FetchError::Unreachable {
        host: start.host_str().unwrap_or_default().to_owned(),
        reason: format!("its robots.txt cannot be read: {error}"),
    })
}
