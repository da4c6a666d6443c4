//! Queues the addresses that a crawl is to visit, each once, and no more of them than the crawl can use.

use std::collections::{HashSet, VecDeque};

use url::Url;

/// Addresses in the queue for every page that the crawl may visit: many of them are not pages, or cannot be fetched.
const QUEUED_PER_PAGE: usize = 4;

/// The addresses to visit, with their distances from the start.
pub(crate) struct Frontier {
    queue: VecDeque<(Url, usize)>,
    /// All addresses that were ever in the queue, and all that pages named as their own.
    seen: HashSet<String>,
    max_queued: usize,
}

impl Frontier {
    /// An empty queue for a crawl of at most `max_pages`.
    pub(crate) fn new(max_pages: usize) -> Self {
        let max_queued = max_pages.saturating_mul(QUEUED_PER_PAGE);
        Self { queue: VecDeque::new(), seen: HashSet::new(), max_queued }
    }

    /// Queues an address unless it was queued before. `false` where there is no room for it.
    pub(crate) fn add(&mut self, url: Url, depth: usize) -> bool {
        if self.has_seen(&url) {
            return true;
        }
        if self.is_full() {
            return false;
        }
        self.seen.insert(url.to_string());
        self.queue.push_back((url, depth));
        true
    }

    /// Whether this address was queued, or is that of a page that was visited.
    pub(crate) fn has_seen(&self, url: &Url) -> bool {
        self.seen.contains(url.as_str())
    }

    /// Notes the address that a visited page names as its own; `false` where it was noted or queued before.
    pub(crate) fn note(&mut self, url: &Url) -> bool {
        self.seen.insert(url.to_string())
    }

    /// Takes the next address.
    pub(crate) fn take(&mut self) -> Option<(Url, usize)> {
        self.queue.pop_front()
    }

    /// Drops what is queued.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.max_queued
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: usize) -> Url {
        Url::parse(&format!("https://example.com/{number}")).expect("an address")
    }

    #[test]
    fn the_queue_and_what_is_remembered_are_bounded_by_the_pages_of_the_crawl() {
        let mut frontier = Frontier::new(2);
        let taken = (0..1_000_000).filter(|number| frontier.add(page(*number), 1)).count();
        assert_eq!((taken, frontier.queue.len(), frontier.seen.len()), (8, 8, 8));
        assert!(frontier.is_full() && frontier.add(page(0), 1), "what is queued already needs no room");
        assert_eq!(frontier.take(), Some((page(0), 1)));
        assert!(frontier.add(page(9), 1) && !frontier.add(page(10), 1));
    }

    #[test]
    fn an_address_is_visited_once() {
        let mut frontier = Frontier::new(10);
        assert!(frontier.add(page(1), 0) && frontier.note(&page(2)) && !frontier.note(&page(1)));
        assert!(frontier.add(page(1), 0) && frontier.add(page(2), 0));
        assert_eq!((frontier.take(), frontier.take()), (Some((page(1), 0)), None));
    }
}
