//! Crawls web sites.

pub(crate) mod crawler;
pub(crate) mod links;
pub(crate) mod site;
pub(crate) mod sitemap;
pub(crate) mod visit;
