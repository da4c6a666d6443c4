//! Fetches the sitemaps of a site, and those that they name, up to a bound.

use std::collections::VecDeque;

use domain::{PageReader, SitemapEntries};
use url::Url;

use crate::client::Fetcher;
use crate::error::FetchError;
use crate::limits::MAX_SITEMAP_BYTES;
use crate::page::page_url;

/// Maximum number of sitemaps of a site, including those that others name.
const MAX_SITEMAPS: usize = 50;

/// The sitemaps of one site.
pub(crate) struct Sitemaps {
    left: VecDeque<Url>,
    /// How many may still be added.
    room: usize,
    has_left_out: bool,
}

impl Sitemaps {
    /// The start itself, those that `robots.txt` names, or the usual one.
    pub(crate) fn of(start: &Url, named: &[String]) -> Self {
        let mut sitemaps = Self { left: VecDeque::new(), room: MAX_SITEMAPS, has_left_out: false };
        if start.path().ends_with(".xml") {
            sitemaps.add(start.as_str());
            return sitemaps;
        }
        for map in named {
            sitemaps.add(map);
        }
        if named.is_empty()
            && let Ok(usual) = start.join("/sitemap.xml")
        {
            sitemaps.add(usual.as_str());
        }
        sitemaps
    }

    /// Fetches the next one, and adds those that it names.
    pub(crate) async fn next(
        &mut self,
        fetcher: &Fetcher,
        reader: &dyn PageReader,
    ) -> Option<(Url, Result<SitemapEntries, FetchError>)> {
        let map = self.left.pop_front()?;
        let read = read(fetcher, reader, &map).await;
        for named in read.iter().flat_map(|listed| &listed.sitemaps) {
            self.add(named);
        }
        Some((map, read))
    }

    /// Whether there were more of them than the bound, or addresses of none.
    pub(crate) fn has_left_out(&self) -> bool {
        self.has_left_out
    }

    fn add(&mut self, map: &str) {
        match page_url(map) {
            Ok(map) if self.room > 0 => {
                self.room -= 1;
                self.left.push_back(map);
            }
            _ => self.has_left_out = true,
        }
    }
}

async fn read(fetcher: &Fetcher, reader: &dyn PageReader, map: &Url) -> Result<SitemapEntries, FetchError> {
    let file = fetcher.up_to(MAX_SITEMAP_BYTES).fetch(map).await?;
    Ok(reader.sitemap(&file.bytes).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_robots_or_the_usual_address_name_sitemaps() {
        let of = |start: &str, named: &[String]| {
            let sitemaps = Sitemaps::of(&Url::parse(start).expect("an address"), named);
            (sitemaps.left.iter().map(Url::to_string).collect::<Vec<_>>(), sitemaps.has_left_out)
        };
        let usual = vec!["https://example.com/sitemap.xml".to_owned()];
        assert_eq!(of("https://example.com/help/", &[]), (usual, false));
        let itself = vec!["https://example.com/a.xml".to_owned()];
        assert_eq!(
            of("https://example.com/a.xml", &["https://example.com/b.xml".to_owned()]),
            (itself, false)
        );
        assert_eq!(of("https://example.com/", &["/relative.xml".to_owned()]), (vec![], true));
        let many: Vec<String> = (0..60).map(|number| format!("https://example.com/{number}.xml")).collect();
        assert_eq!(of("https://example.com/", &many), (many[..MAX_SITEMAPS].to_vec(), true));
    }
}
