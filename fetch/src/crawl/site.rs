//! Which addresses belong to a site.

use serde::{Deserialize, Serialize};
use url::Url;

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

impl Site {
    /// Whether the page at `url` is one of its documents.
    pub(crate) fn holds(&self, url: &Url) -> bool {
        let folder = match self.follow {
            Follow::Links => self.start.path().rfind('/').map_or("/", |end| &self.start.path()[..=end]),
            // A sitemap lists what belongs to it.
            Follow::Sitemap => "/",
        };
        let extension = url.path().rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        let is_document = extension
            .is_none_or(|(_, extension)| !NO_DOCUMENTS.contains(&extension.to_ascii_lowercase().as_str()));
        url.origin() == self.start.origin() && url.path().starts_with(folder) && is_document
    }
}
