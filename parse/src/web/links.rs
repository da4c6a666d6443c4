//! Reads the links of an HTML page, and its rules for robots.

use dom_query::Document;
use domain::PageLinks;
use url::Url;

use crate::charset;
use crate::error::ParseError;
use crate::formats::html::recognize::begins_as_html;
use crate::formats::html::tree;
use crate::formats::markdown::links::link_targets;

/// Reads the links of the page at `address`; none of any other document.
///
/// # Errors
/// Those of [`tree::page`], and `Failed` where the address is none.
pub(crate) fn of_page(bytes: &[u8], address: &str) -> Result<PageLinks, ParseError> {
    let address = Url::parse(address).map_err(|error| ParseError::Failed(error.to_string()))?;
    let html = charset::decode(bytes).ok().filter(|text| begins_as_html(text));
    html.map_or_else(|| Ok(PageLinks::default()), |html| Ok(links(&tree::page(&html)?, &address)))
}

/// Reads the link targets of a Markdown text; `None` for an HTML page.
pub(crate) fn listed(bytes: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(bytes);
    (!begins_as_html(&text)).then(|| link_targets(&text))
}

fn links(page: &Document, address: &Url) -> PageLinks {
    let base = page.select_single("base[href]").attr("href");
    let base = base.and_then(|base| address.join(&base).ok()).unwrap_or_else(|| address.clone());
    let absolute = |link: &str| {
        let mut url = base.join(link.trim()).ok()?;
        url.set_fragment(None);
        matches!(url.scheme(), "http" | "https").then(|| String::from(url))
    };
    let rules = page.select("meta[name='robots' i]").iter().filter_map(|meta| meta.attr("content"));
    let rules: Vec<String> = rules.map(|rules| rules.to_ascii_lowercase()).collect();
    let says = |rule: &str| rules.iter().any(|rules| rules.contains(rule) || rules.trim() == "none");
    let canonical = page.select_single("link[rel='canonical' i]").attr("href");
    let anchors = page.select("a[href]:not([rel~='nofollow'])");
    let targets = anchors.iter().filter_map(|anchor| absolute(&anchor.attr("href")?));
    PageLinks {
        is_html: true,
        canonical: canonical.and_then(|own| absolute(&own)),
        targets: if says("nofollow") { Vec::new() } else { targets.collect() },
        is_noindex: says("noindex"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links_of(page: impl AsRef<[u8]>) -> PageLinks {
        of_page(page.as_ref(), "https://example.com/help/a.html").expect("a page")
    }

    #[test]
    fn links_are_absolute_and_without_places_within_pages() {
        let found = links_of(
            "<!doctype html><link rel=canonical href='/help/a'><a href='b.html#x'>b</a><a href='../c'>c</a>\
             <a href='mailto:a@example.com'>m</a><a href='d' rel='nofollow'>d</a><a>e</a>",
        );
        assert_eq!(found.targets, ["https://example.com/help/b.html", "https://example.com/c"]);
        assert_eq!(found.canonical.as_deref(), Some("https://example.com/help/a"));
        assert!(!found.is_noindex);
    }

    #[test]
    fn a_page_may_want_to_be_left_alone() {
        let found = links_of("<html><meta name=Robots content='NOINDEX, nofollow'><a href=b>b</a>");
        assert!(found.is_noindex && found.targets.is_empty());
        assert_eq!(links_of("# Markdown [b](b)"), PageLinks::default());
    }

    #[test]
    fn a_page_is_no_list_of_links() {
        assert_eq!(listed(b"# Pages\n\n* [a](a.html)"), Some(vec!["a.html".to_owned()]));
        assert_eq!(listed(b"<!doctype html><title>Back soon</title>[a](b)"), None);
    }

    #[test]
    fn a_page_may_be_in_any_encoding_and_is_refused_where_it_costs_too_much() {
        let (page, _, _) = encoding_rs::EUC_KR.encode("<!doctype html><a href='약관'>이용 약관</a>");
        assert_eq!(links_of(&page).targets, ["https://example.com/help/%EC%95%BD%EA%B4%80"]);
        let nested = format!("<html>{}", "<div>".repeat(1_000));
        assert!(of_page(nested.as_bytes(), "https://example.com/").is_err());
    }
}
