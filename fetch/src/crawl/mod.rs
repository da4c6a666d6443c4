//! Crawls web sites.

pub(crate) mod crawler;
pub(crate) mod frontier;
pub(crate) mod moves;
pub(crate) mod site;
pub(crate) mod sitemaps;
pub(crate) mod visit;
