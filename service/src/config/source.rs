//! A folder or web site that a server keeps a collection in sync with.

use std::path::PathBuf;

use fetch::{Follow, page_url};
use serde::{Deserialize, Serialize};
use url::Url;

/// One entry of `[[sources]]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SourceConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default = "SourceConfig::default_collection")]
    pub collection: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default = "SourceConfig::default_follow")]
    pub follow: Follow,
    #[serde(default = "SourceConfig::default_max_pages")]
    pub max_pages: usize,
    #[serde(default = "SourceConfig::default_max_depth")]
    pub max_depth: usize,
    #[serde(default = "SourceConfig::default_every_minutes")]
    pub every_minutes: u64,
    #[serde(default)]
    pub allow_removals: bool,
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceLocation {
    /// A folder, watched.
    Folder(PathBuf),
    /// A web site, crawled from time to time.
    Site(Url),
}

impl SourceConfig {
    /// Maximum of `max_pages`.
    pub const MAX_PAGES: usize = 100_000;

    fn default_collection() -> String {
        "default".to_owned()
    }

    fn default_follow() -> Follow {
        Follow::Links
    }

    /// Maximum number of pages of a site, by default.
    pub fn default_max_pages() -> usize {
        1_000
    }

    /// Maximum number of links from the start page to a page, by default.
    pub fn default_max_depth() -> usize {
        8
    }

    fn default_every_minutes() -> u64 {
        24 * 60
    }

    /// Checks the location and the limits; the error says what is wrong.
    pub(super) fn checked(&self) -> Result<(), String> {
        self.location()?;
        for (what, value, range) in [
            ("max_pages", self.max_pages, 1..=Self::MAX_PAGES),
            ("max_depth", self.max_depth, 0..=100),
            ("every_minutes", usize::try_from(self.every_minutes).unwrap_or(usize::MAX), 1..=525_600),
        ] {
            if !range.contains(&value) {
                return Err(format!("has a {what} of {value}; it must lie in {range:?}"));
            }
        }
        Ok(())
    }

    /// The folder or the site.
    ///
    /// # Errors
    /// What is wrong with the setting, in words.
    pub fn location(&self) -> Result<SourceLocation, String> {
        match (&self.path, &self.url) {
            (Some(path), None) if path.is_absolute() => Ok(SourceLocation::Folder(path.clone())),
            (Some(path), None) => Err(format!("has the path {}; it must be absolute", path.display())),
            (None, Some(url)) => page_url(url).map(SourceLocation::Site).map_err(|error| error.to_string()),
            _ => Err("needs either a path or a url".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<SourceLocation, String> {
        let source: SourceConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        source.checked().and_then(|()| source.location())
    }

    #[test]
    fn removals_are_allowed_by_name_only() {
        let allows = |text: &str| toml::from_str::<SourceConfig>(text).unwrap().allow_removals;
        assert!(!allows("path = '/srv'") && allows("path = '/srv'\nallow_removals = true"));
    }

    #[test]
    fn a_source_is_a_folder_or_a_site_within_bounds() {
        assert_eq!(source("path = '/srv'"), Ok(SourceLocation::Folder("/srv".into())));
        let site = source("url = 'https://example.com/help/#top'\nfollow = 'sitemap'\nmax_pages = 5");
        assert_eq!(site, Ok(SourceLocation::Site(Url::parse("https://example.com/help/").unwrap())));
        for bad in [
            "",
            "path = 'docs'",
            "path = '/srv'\nurl = 'https://example.com'",
            "url = 'ftp://example.com'",
            "url = 'https://example.com'\nmax_pages = 0",
            "url = 'https://example.com'\nevery_minutes = 0",
            "url = 'https://example.com'\nfollow = 'all'",
        ] {
            assert!(source(bad).is_err(), "{bad}");
        }
    }
}
