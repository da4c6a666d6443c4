//! Reads sitemaps (sitemaps.org): lists of pages, and lists of sitemaps.

use domain::SitemapEntries;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Maximum number of addresses in one sitemap: the limit of the protocol.
const MAX_ADDRESSES: usize = 50_000;

/// Reads a sitemap up to its first error; any other document has no addresses. A sitemap may also be a plain text with one
/// address per line.
pub(crate) fn read(bytes: &[u8]) -> SitemapEntries {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let is_address = |line: &str| line.starts_with("http://") || line.starts_with("https://");
        let is_whole =
            !text.is_empty() && lines.clone().all(is_address) && lines.nth(MAX_ADDRESSES).is_none();
        let lines = text.lines().map(str::trim).filter(|line| is_address(line));
        let pages = lines.take(MAX_ADDRESSES).map(str::to_owned).collect();
        return SitemapEntries { pages, sitemaps: Vec::new(), is_whole };
    }
    read_xml(text)
}

fn read_xml(text: &str) -> SitemapEntries {
    let mut listed = SitemapEntries::default();
    let mut reader = Reader::from_str(text);
    let (mut is_index, mut location) = (false, None);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) => match element.local_name().as_ref() {
                "sitemapindex" => is_index = true,
                "loc" => location = Some(String::new()),
                _ => {}
            },
            Event::Text(text) => {
                if let Some(location) = &mut location {
                    location.push_str(&text);
                }
            }
            Event::GeneralRef(entity) => {
                if let Some(location) = &mut location {
                    location.push_str(resolve_predefined_entity(&entity).unwrap_or_default());
                }
            }
            Event::End(element) => match element.local_name().as_ref() {
                "loc" if listed.pages.len() + listed.sitemaps.len() == MAX_ADDRESSES => break,
                "loc" => {
                    let list = if is_index { &mut listed.sitemaps } else { &mut listed.pages };
                    list.extend(location.take().map(|location| location.trim().to_owned()));
                }
                "urlset" | "sitemapindex" => listed.is_whole = true,
                _ => {}
            },
            Event::Empty(element) if matches!(element.local_name().as_ref(), "urlset" | "sitemapindex") => {
                listed.is_whole = true;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_other_sitemaps_are_told_apart() {
        let pages = "<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\
                     <url><loc> https://example.com/a?x=1&amp;y=2 </loc><lastmod>2026-01-01</lastmod></url></urlset>";
        let listed = read(pages.as_bytes());
        assert_eq!(listed.pages, ["https://example.com/a?x=1&y=2"]);
        assert!(listed.is_whole && read(b"<urlset/>").is_whole);
        let index = "<sitemapindex><sitemap><loc>https://example.com/1.xml</loc></sitemap></sitemapindex>";
        assert_eq!(read(index.as_bytes()).sitemaps, ["https://example.com/1.xml"]);
        assert_eq!(read(b"https://example.com/\nnothing\n").pages, ["https://example.com/"]);
        assert_eq!(read(b"<html><p>404</p></html>"), SitemapEntries::default());
        assert_eq!(read(b"<urlset><url><loc>https://exa"), SitemapEntries::default());
    }
    #[test]
    fn a_list_that_is_none_or_was_cut_off_is_not_whole() {
        let many = |count: usize| "https://example.com/\n".repeat(count);
        assert!(read(many(MAX_ADDRESSES).as_bytes()).is_whole);
        for bad in
            ["", "Back soon.", "https://example.com/\nBack soon.", "<html></html>", &many(MAX_ADDRESSES + 1)]
        {
            assert!(!read(bad.as_bytes()).is_whole, "{:.30}", bad);
        }
        let cut = "<urlset><url><loc>https://example.com/</loc></url><url><loc>https://exa";
        let listed = read(cut.as_bytes());
        assert_eq!((listed.pages.len(), listed.is_whole), (1, false));
        let long = format!(
            "<urlset>{}</urlset>",
            "<url><loc>https://example.com/</loc></url>".repeat(MAX_ADDRESSES + 1)
        );
        let listed = read(long.as_bytes());
        assert_eq!((listed.pages.len(), listed.is_whole), (MAX_ADDRESSES, false));
    }
}
