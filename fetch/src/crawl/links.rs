//! Reads the links of an HTML page, and its rules for robots.

use dom_query::Document;
use url::Url;

/// The links and robots rules of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// The address that the page names as its own.
    pub(crate) canonical: Option<Url>,
    /// The links in the order of the page; none if it does not want them to be followed.
    pub(crate) targets: Vec<Url>,
    /// Whether it does not want to be indexed.
    pub(crate) is_noindex: bool,
}

impl Links {
    /// Reads the HTML of the page at `address`.
    pub(crate) fn of(html: &str, address: &Url) -> Self {
        let page = Document::from(html);
        let base = page.select_single("base[href]").attr("href");
        let base = base.and_then(|base| address.join(&base).ok()).unwrap_or_else(|| address.clone());
        let absolute = |link: &str| {
            let mut url = base.join(link.trim()).ok()?;
            url.set_fragment(None);
            matches!(url.scheme(), "http" | "https").then_some(url)
        };
        let rules = page.select("meta[name='robots' i]").iter().filter_map(|meta| meta.attr("content"));
        let rules: Vec<String> = rules.map(|rules| rules.to_ascii_lowercase()).collect();
        let says = |rule: &str| rules.iter().any(|rules| rules.contains(rule) || rules.trim() == "none");
        let canonical = page.select_single("link[rel='canonical' i]").attr("href");
        let anchors = page.select("a[href]:not([rel~='nofollow'])");
        let targets = anchors.iter().filter_map(|anchor| absolute(&anchor.attr("href")?));
        Self {
            canonical: canonical.and_then(|own| absolute(&own)),
            targets: if says("nofollow") { Vec::new() } else { targets.collect() },
            is_noindex: says("noindex"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(page: &str) -> Links {
        Links::of(page, &Url::parse("https://example.com/help/a.html").expect("an address"))
    }

    #[test]
    fn links_are_absolute_and_without_places_within_pages() {
        let found = links(
            "<!doctype html><link rel=canonical href='/help/a'><a href='b.html#x'>b</a><a href='../c'>c</a>\
             <a href='mailto:a@example.com'>m</a><a href='d' rel='nofollow'>d</a><a>e</a>",
        );
        let targets: Vec<&str> = found.targets.iter().map(Url::as_str).collect();
        assert_eq!(targets, ["https://example.com/help/b.html", "https://example.com/c"]);
        assert_eq!(found.canonical.as_ref().map(Url::as_str), Some("https://example.com/help/a"));
        assert!(!found.is_noindex);
    }

    #[test]
    fn a_page_may_want_to_be_left_alone() {
        let found = links("<html><meta name=Robots content='NOINDEX, nofollow'><a href=b>b</a>");
        assert!(found.is_noindex && found.targets.is_empty());
        assert_eq!(links("# Markdown [b](b)"), Links::default());
    }
}
