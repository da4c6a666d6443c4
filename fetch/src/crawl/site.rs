//! Defines a site, and which addresses belong to it.

use serde::{Deserialize, Serialize};
use url::Url;

/// Extensions of files that pages link to and that are not documents.
const OTHER_EXTENSIONS: &[&str] = &[
    "avif", "bmp", "css", "eot", "gif", "gz", "ico", "jpeg", "jpg", "js", "map", "mov", "mp3", "mp4", "ogg",
    "png", "svg", "tar", "tgz", "tif", "tiff", "ttf", "wav", "webm", "webp", "woff", "woff2", "xml", "zip",
];

/// How a site's pages are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// By links, from the start.
    Links,
    /// By a sitemap: the start itself, those that `robots.txt` names, or `/sitemap.xml`.
    Sitemap,
}

/// A site to crawl.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where the crawl starts.
    pub start: Url,
    /// How its pages are found.
    pub follow: Follow,
    /// Maximum number of pages.
    pub max_pages: usize,
    /// Maximum number of links from the start to a page.
    pub max_depth: usize,
}

impl Site {
    /// Whether the page at `url` belongs to the site and may be a document.
    pub(crate) fn holds(&self, url: &Url) -> bool {
        let folder = match self.follow {
            Follow::Links => self.start.path().rfind('/').map_or("/", |end| &self.start.path()[..=end]),
            // A sitemap lists the pages of its site, wherever they are.
            Follow::Sitemap => "/",
        };
        let extension = url.path().rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        let is_document = extension.is_none_or(|(_, extension)| {
            !OTHER_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        });
        url.origin() == self.start.origin() && url.path().starts_with(folder) && is_document
    }
}
