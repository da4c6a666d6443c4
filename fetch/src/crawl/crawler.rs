//! Crawls a web site: finds its pages and fetches one after the other, as its owner allows.
//!
//! ```text
//! robots.txt --> sitemap, or the start and llms.txt --> page --> links within the site --> page ...
//! ```
//!
//! A site is what is below the start's folder on the start's host. Pages that `robots.txt` (RFC 9309) or their own robots
//! tags exclude are skipped; a page that names another address as its own (`rel=canonical`) is known by that one. There is
//! a pause between two requests. The number of pages and their distance from the start are bounded.
//!
//! What the crawl found is a [`Listing`]. A page that cannot be fetched, or that redirects elsewhere, leaves a gap in it:
//! what it would have linked to is unknown. A crawl with a gap therefore asks the pages of the earlier crawl one by one.

use std::collections::{HashMap, VecDeque};

use domain::{Listing, PageReader};
use url::Url;

use crate::client::Fetcher;
use crate::crawl::frontier::Frontier;
use crate::crawl::moves::Moves;
use crate::crawl::site::{Follow, Site};
use crate::crawl::sitemaps::Sitemaps;
use crate::crawl::visit::{KnownPage, SitePage, Visit};
use crate::error::FetchError;
use crate::page::{Fetched, Page, Validators, page_url};
use crate::robots::Robots;

/// Pages of the earlier crawl that may fail before no more of them are asked: the site is down.
const MAX_FAILED_KNOWN_PAGES: usize = 3;

/// A crawl of one site.
pub struct Crawler<'a> {
    fetcher: &'a Fetcher,
    site: &'a Site,
    reader: &'a dyn PageReader,
    /// `None` where they cannot be read: then nothing may be fetched.
    robots: Option<Robots>,
    /// What an earlier crawl found, by address.
    known: HashMap<String, KnownPage>,
    frontier: Frontier,
    listing: Listing,
    moves: Moves,
    /// Results that the caller has not got yet.
    results: VecDeque<Visit>,
    /// A list that may not be one. It matters only where known pages are missing.
    doubtful: Option<Visit>,
    fetched: usize,
    /// How many more known pages may fail; `None` while they are not asked.
    failures_left: Option<usize>,
    is_finished: bool,
}

impl<'a> Crawler<'a> {
    /// Fetches the site's rules and where its pages are. Pages in `known` are fetched only if they have changed.
    ///
    /// # Errors
    /// `AddressRefused` for the site itself. Rules or lists that cannot be fetched are results of the crawl.
    pub async fn begin(
        fetcher: &'a Fetcher,
        site: &'a Site,
        reader: &'a dyn PageReader,
        known: HashMap<String, KnownPage>,
    ) -> Result<Self, FetchError> {
        let mut crawler = Self {
            fetcher,
            site,
            reader,
            robots: None,
            known,
            frontier: Frontier::new(site.max_pages),
            listing: Listing::default(),
            moves: Moves::default(),
            results: VecDeque::new(),
            doubtful: None,
            fetched: 0,
            failures_left: None,
            is_finished: false,
        };
        match Robots::fetch(fetcher, reader, &site.start).await {
            Ok(robots) => crawler.robots = Some(robots),
            Err(FetchError::AddressRefused { host }) if site.start.host_str() == Some(&host) => {
                return Err(FetchError::AddressRefused { host });
            }
            Err(error) => {
                crawler.fail(&Robots::address(&site.start)?, error);
                return Ok(crawler);
            }
        }
        match site.follow {
            Follow::Links => crawler.start_from_links().await,
            Follow::Sitemap => crawler.start_from_sitemaps().await,
        }
        Ok(crawler)
    }

    /// What the crawl found. Complete only after [`Crawler::next`] has returned `None`.
    pub fn into_listing(self) -> Listing {
        self.listing
    }

    /// Visits the next address; `None` when there is none, or the maximum number of pages is reached.
    pub async fn next(&mut self) -> Option<Visit> {
        loop {
            if let Some(result) = self.results.pop_front() {
                return Some(result);
            }
            match self.take() {
                Some((url, depth)) => {
                    self.pause().await;
                    self.fetched += 1;
                    if let Some(visit) = self.visit(url, depth).await {
                        return Some(visit);
                    }
                }
                None if self.is_finished => return None,
                None => self.finish(),
            }
        }
    }

    /// The next address to visit.
    fn take(&mut self) -> Option<(Url, usize)> {
        self.robots.as_ref()?;
        if self.frontier.is_empty() && self.listing.has_gap() && self.failures_left.is_none() {
            self.queue_known();
        }
        if self.fetched < self.site.max_pages {
            return self.frontier.take();
        }
        if !self.frontier.is_empty() {
            self.listing.leave_gap();
        }
        None
    }

    /// Queues the known pages that nothing led to: the pages that did may be those that failed.
    fn queue_known(&mut self) {
        self.failures_left = Some(MAX_FAILED_KNOWN_PAGES);
        let mut missing: Vec<Url> = self.known.keys().filter_map(|url| page_url(url).ok()).collect();
        missing.retain(|url| !self.frontier.has_seen(url));
        missing.sort();
        if !missing.is_empty() {
            self.results.extend(self.doubtful.take());
        }
        for url in missing {
            self.add(url, self.site.max_depth);
        }
    }

    async fn visit(&mut self, url: Url, depth: usize) -> Option<Visit> {
        let known = self.known.get(url.as_str()).cloned();
        let validators = known.as_ref().map(validators).unwrap_or_default();
        match (self.fetcher.fetch_if_changed(&url, &validators).await, known) {
            (Ok(Fetched::Page(page)), _) => self.read(&url, page, depth).await,
            (Ok(Fetched::NotModified), known) => {
                self.add_all(known.into_iter().flat_map(|page| page.links), depth + 1);
                self.listing.hold(url.as_str());
                Some(Visit::Unchanged(url.into()))
            }
            (Err(FetchError::Status { status: 404 | 410, .. }), Some(_)) => {
                self.exclude(&url);
                None
            }
            // A link that leads nowhere hides nothing, unless the whole crawl hangs on it.
            (Err(error @ FetchError::Status { status: 404 | 410, .. }), None) if url != self.site.start => {
                Some(Visit::Failed(url.into(), error))
            }
            (Err(error), _) => {
                self.fail(&url, error);
                None
            }
        }
    }

    /// Reads a fetched page; `None` if it is another page that was already seen, or is not to be ingested.
    async fn read(&mut self, asked: &Url, page: Page, depth: usize) -> Option<Visit> {
        let links = match self.reader.links(&page.bytes, page.url.as_str()).await {
            Ok(links) => links,
            Err(error) => {
                self.fail(asked, error.into());
                return None;
            }
        };
        if !links.is_html && self.had_links(asked) {
            self.listing.leave_gap();
        }
        let canonical = links.canonical.and_then(|own| page_url(&own).ok());
        let canonical = canonical.filter(|own| self.site.holds(own));
        let own = canonical.unwrap_or_else(|| page.url.clone());
        if own != *asked && !self.is_new_under(asked, &own, page.is_permanent, depth) {
            return None;
        }
        let is_within = |link: &String| page_url(link).is_ok_and(|url| self.site.holds(&url));
        let within: Vec<String> = links.targets.into_iter().filter(is_within).collect();
        self.add_all(within.iter().cloned(), depth + 1);
        if links.is_noindex || page.is_noindex {
            self.exclude(&own);
            return None;
        }
        self.listing.hold(own.as_str());
        let Validators { etag, last_modified } = page.validators;
        let known = KnownPage { url: own.into(), etag, last_modified, links: within };
        Some(Visit::Page(SitePage { known, bytes: page.bytes, modified_at: page.modified_at }))
    }

    /// Whether the page at `asked`, whose own address is another one, is to be read under that one now.
    fn is_new_under(&mut self, asked: &Url, own: &Url, is_permanent: bool, depth: usize) -> bool {
        let is_within = self.site.holds(own);
        let is_known = self.known.contains_key(asked.as_str());
        if is_known && is_within && is_permanent {
            self.moves.note(asked.as_str(), own.as_str());
            self.leave_links_of(asked);
            self.add(own.clone(), depth);
            return false;
        }
        if is_known || (*asked == self.site.start && !is_within) {
            self.fail(asked, FetchError::Redirected { to: own.to_string() });
            return false;
        }
        if !is_within || (!self.known.is_empty() && !self.known.contains_key(own.as_str())) {
            // Perhaps it stands for another page, which had links.
            self.listing.leave_gap();
        }
        is_within && self.frontier.note(own)
    }

    /// Marks a page as gone, by its own word or by that of its site.
    fn exclude(&mut self, url: &Url) {
        if self.known.contains_key(url.as_str()) {
            self.listing.mark_gone(url.as_str());
        }
        self.leave_links_of(url);
    }

    /// Leaves a gap if a page that is not read linked to others: nobody knows whether it still would.
    fn leave_links_of(&mut self, url: &Url) {
        if self.had_links(url) || *url == self.site.start {
            self.listing.leave_gap();
        }
    }

    fn had_links(&self, url: &Url) -> bool {
        self.known.get(url.as_str()).is_some_and(|page| !page.links.is_empty())
    }

    fn fail(&mut self, url: &Url, error: FetchError) {
        self.listing.leave_gap();
        self.results.push_back(Visit::Failed(url.to_string(), error));
        if let Some(left) = &mut self.failures_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.frontier.clear();
            }
        }
    }

    /// Ends the listing once nothing is left to visit.
    fn finish(&mut self) {
        self.is_finished = true;
        let was_cut_off = !self.frontier.is_empty();
        for (from, to) in self.moves.resolve(&mut self.listing, self.known.len()) {
            if !was_cut_off {
                self.results.push_back(Visit::Failed(from, FetchError::Redirected { to }));
            }
        }
        self.listing.finish();
    }

    async fn start_from_links(&mut self) {
        self.add(self.site.start.clone(), 0);
        // A list of pages for language models, if there is one: https://llmstxt.org
        let Ok(list) = self.site.start.join("llms.txt") else { return };
        self.pause().await;
        match self.fetcher.fetch(&list).await {
            Ok(page) => match self.reader.listed_links(&page.bytes).await {
                Ok(Some(links)) => self.add_all(links.into_iter(), 1),
                Ok(None) => self.doubt(list, FetchError::BadList),
                Err(error) => self.doubt(list, error.into()),
            },
            Err(FetchError::Status { status: 404 | 410, .. }) => {}
            Err(error @ FetchError::Status { status: 400..=407, .. }) => self.doubt(list, error),
            Err(error) => self.fail(&list, error),
        }
    }

    /// Many servers answer every request with a page, or with a refusal: there may never have been a list.
    fn doubt(&mut self, list: Url, error: FetchError) {
        self.listing.leave_gap();
        self.doubtful = Some(Visit::Failed(list.into(), error));
    }

    async fn start_from_sitemaps(&mut self) {
        let named = self.robots.as_ref().map(Robots::sitemaps).unwrap_or_default();
        let mut sitemaps = Sitemaps::of(&self.site.start, named);
        while !self.frontier.is_full() {
            self.pause().await;
            let Some((map, fetched)) = sitemaps.next(self.fetcher, self.reader).await else {
                if sitemaps.has_left_out() {
                    self.listing.leave_gap();
                }
                return;
            };
            match fetched {
                Ok(listed) => {
                    if !listed.is_whole {
                        self.fail(&map, FetchError::BadList);
                    }
                    self.add_all(listed.pages.into_iter(), 1);
                }
                Err(error) => self.fail(&map, error),
            }
        }
        self.listing.leave_gap();
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

    /// Queues an address of the site that may be fetched.
    fn add(&mut self, url: Url, depth: usize) {
        if !self.site.holds(&url) || self.frontier.has_seen(&url) {
            return;
        }
        if !self.robots.as_ref().is_some_and(|robots| robots.allow(&url)) {
            self.exclude(&url);
        } else if depth > self.site.max_depth || !self.frontier.add(url, depth) {
            self.listing.leave_gap();
        }
    }

    async fn pause(&self) {
        if let Some(robots) = &self.robots {
            tokio::time::sleep(robots.pause()).await;
        }
    }
}

/// What identifies the known content of a page.
fn validators(page: &KnownPage) -> Validators {
    Validators { etag: page.etag.clone(), last_modified: page.last_modified.clone() }
}
