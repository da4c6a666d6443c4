//! Crawls a web site: finds its pages and fetches one after the other, as its owner allows.
//!
//! ```text
//! robots.txt --> sitemap, or the start and llms.txt --> page --> links within the site --> page ...
//! ```
//!
//! A site is what is below the start's folder on the start's host. Pages that `robots.txt` (RFC 9309) or their own robots
//! tags exclude are skipped; a page that names another address as its own (`rel=canonical`) is known by that one. There is
//! a pause between two requests. The number of pages and their distance from the start are bounded.

use std::collections::{HashMap, HashSet, VecDeque};

use url::Url;

use crate::client::Fetcher;
use crate::crawl::links::Links;
use crate::crawl::site::{Follow, Site};
use crate::crawl::sitemap;
use crate::crawl::visit::{KnownPage, SitePage, Visit};
use crate::error::FetchError;
use crate::page::{Fetched, Page, Validators, page_url};
use crate::robots::Robots;

/// Maximum number of sitemaps of a site, including those that others name.
const MAX_SITEMAPS: usize = 50;

/// Reads what a crawl fetches. The caller provides it, because this crate parses no documents.
#[derive(Debug, Clone, Copy)]
pub struct PageReader {
    /// Decodes an HTML page; `None` for any other document, and for a page that is not safe to build a tree of.
    pub html_source: fn(&[u8]) -> Option<String>,
    /// The link targets of a Markdown text, in order.
    pub link_targets: fn(&str) -> Vec<String>,
}

/// A crawl of one site.
pub struct Crawler<'a> {
    fetcher: &'a Fetcher,
    site: &'a Site,
    reader: PageReader,
    robots: Robots,
    /// What an earlier crawl found, by address.
    known: HashMap<String, KnownPage>,
    queue: VecDeque<(Url, usize)>,
    /// All addresses that were ever in the queue, and all that pages named as their own.
    seen: HashSet<String>,
    fetched: usize,
}

impl<'a> Crawler<'a> {
    /// Fetches the site's rules and where its pages are. Pages in `known` are fetched only if they have changed.
    ///
    /// # Errors
    /// Those of fetching `robots.txt` (a site without one has no rules) and sitemaps.
    pub async fn begin(
        fetcher: &'a Fetcher,
        site: &'a Site,
        reader: PageReader,
        known: HashMap<String, KnownPage>,
    ) -> Result<Self, FetchError> {
        let robots = Robots::fetch(fetcher, &site.start).await?;
        let (queue, seen) = (VecDeque::new(), HashSet::new());
        let mut crawler = Self { fetcher, site, reader, robots, known, queue, seen, fetched: 0 };
        match site.follow {
            Follow::Links => crawler.start_from_links().await,
            Follow::Sitemap => crawler.start_from_sitemaps().await?,
        }
        Ok(crawler)
    }

    /// Whether every page was visited: the crawl did not stop at the maximum number of pages.
    pub fn saw_all(&self) -> bool {
        self.queue.is_empty()
    }

    /// Visits the next address; `None` when there is none, or the maximum number of pages is reached.
    pub async fn next(&mut self) -> Option<Visit> {
        loop {
            if self.fetched >= self.site.max_pages {
                return None;
            }
            let (url, depth) = self.queue.pop_front()?;
            if !self.robots.allow(&url) {
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

    /// Reads a fetched page; `None` if it is another page that was already seen, or belongs to another site.
    fn read(&mut self, asked: &Url, page: Page, depth: usize) -> Option<Visit> {
        let html = (self.reader.html_source)(&page.bytes);
        let links = html.map(|html| Links::of(&html, &page.url)).unwrap_or_default();
        let own = links.canonical.clone().filter(|own| self.site.holds(own)).unwrap_or(page.url);
        if !self.site.holds(&own) || (own != *asked && !self.seen.insert(own.to_string())) {
            return None;
        }
        let within: Vec<String> =
            links.targets.into_iter().filter(|link| self.site.holds(link)).map(String::from).collect();
        self.add_all(within.iter().cloned(), depth + 1);
        if links.is_noindex || page.is_noindex {
            return Some(Visit::Gone(own.into()));
        }
        let Validators { etag, last_modified } = page.validators;
        let known = KnownPage { url: own.into(), etag, last_modified, links: within };
        Some(Visit::Page(SitePage { known, bytes: page.bytes, modified_at: page.modified_at }))
    }

    async fn start_from_links(&mut self) {
        self.add(self.site.start.clone(), 0);
        // A list of pages for language models, if there is one: https://llmstxt.org
        let Ok(list) = self.site.start.join("llms.txt") else { return };
        self.pause().await;
        if let Ok(page) = self.fetcher.fetch(&list).await {
            let text = String::from_utf8_lossy(&page.bytes);
            self.add_all((self.reader.link_targets)(&text).into_iter(), 1);
        }
    }

    async fn start_from_sitemaps(&mut self) -> Result<(), FetchError> {
        let start = &self.site.start;
        let mut maps: VecDeque<Url> = if start.path().ends_with(".xml") {
            VecDeque::from([start.clone()])
        } else {
            self.robots.sitemaps().iter().filter_map(|map| page_url(map).ok()).collect()
        };
        if maps.is_empty() {
            maps.extend(start.join("/sitemap.xml").ok());
        }
        let mut read = 0;
        while let Some(map) = maps.pop_front() {
            if read == MAX_SITEMAPS {
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
        if depth <= self.site.max_depth && self.site.holds(&url) && self.seen.insert(url.to_string()) {
            self.queue.push_back((url, depth));
        }
    }

    async fn pause(&self) {
        tokio::time::sleep(self.robots.pause()).await;
    }
}

/// What identifies the known content of a page.
fn validators(page: &KnownPage) -> Validators {
    Validators { etag: page.etag.clone(), last_modified: page.last_modified.clone() }
}
