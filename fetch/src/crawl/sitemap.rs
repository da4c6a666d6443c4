//! Reads sitemaps (sitemaps.org): lists of pages, and lists of sitemaps.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Maximum number of addresses in one sitemap: the limit of the protocol.
const MAX_ADDRESSES: usize = 50_000;

/// The addresses in a sitemap.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) pages: Vec<String>,
    pub(crate) sitemaps: Vec<String>,
}

/// Reads a sitemap up to its first error; any other document has no addresses. A sitemap may also be a plain text with one
/// address per line.
pub(crate) fn read(bytes: &[u8]) -> Listed {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with("http"));
        let pages = lines.take(MAX_ADDRESSES).map(str::to_owned).collect();
        return Listed { pages, sitemaps: Vec::new() };
    }
    read_xml(text)
}

fn read_xml(text: &str) -> Listed {
    let mut listed = Listed::default();
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
            Event::End(element) if element.local_name().as_ref() == "loc" => {
                let list = if is_index { &mut listed.sitemaps } else { &mut listed.pages };
                list.extend(location.take().map(|location| location.trim().to_owned()));
            }
            Event::Eof => break,
            _ => {}
        }
        if listed.pages.len() + listed.sitemaps.len() >= MAX_ADDRESSES {
            break;
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
        assert_eq!(read(pages.as_bytes()).pages, ["https://example.com/a?x=1&y=2"]);
        let index = "<sitemapindex><sitemap><loc>https://example.com/1.xml</loc></sitemap></sitemapindex>";
        assert_eq!(read(index.as_bytes()).sitemaps, ["https://example.com/1.xml"]);
        assert_eq!(read(b"https://example.com/\nnothing\n").pages, ["https://example.com/"]);
        assert_eq!(read(b"<html><p>404</p></html>"), Listed::default());
        assert_eq!(read(b"<urlset><url><loc>https://exa"), Listed::default());
    }
}
