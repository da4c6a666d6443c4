//! Reads what a crawl fetches besides documents: links of pages, lists of links, sitemaps, and rules for robots.

pub(crate) mod links;
pub(crate) mod robots;
pub(crate) mod sitemap;
