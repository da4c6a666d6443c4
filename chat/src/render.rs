//! Renders Markdown to HTML that is safe in a browser.
//!
//! Every answer and every document text passes through here. HTML inside the Markdown is shown as text; `ammonia` then
//! restricts the output to a list of tags, so that a bug in one of the two is not enough. No image, style or script
//! survives, and a link opens in a new tab without a referrer.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream};

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "code",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "class", "data-citation"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .tag_attribute_values(HashMap::from([("a", HashMap::from([("class", HashSet::from(["citation"]))]))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Custom(Box::new(only_citation_fragments)))
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// Relative links of a document have no target on this server; only the page's own `#citation-n` has.
fn only_citation_fragments(url: &str) -> Option<std::borrow::Cow<'_, str>> {
    url.starts_with("#citation-").then_some(url.into())
}

/// Renders an answer: `[n]` becomes a link to citation n if `cited` contains n.
pub fn answer_html(markdown: &str, cited: &[u32]) -> String {
    render(markdown, cited)
}

/// Renders the text of a document; it has no citations.
pub fn document_html(markdown: &str) -> String {
    render(markdown, &[])
}

fn render(markdown: &str, cited: &[u32]) -> String {
    // No strikethrough: Korean writes ranges with tildes, "10~35도, 습도 20~80%".
    let options = Options::ENABLE_TABLES;
    let mut in_code = false;
    let mut events = Vec::new();
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        match event {
            Event::Start(Tag::CodeBlock(_)) | Event::End(TagEnd::CodeBlock) => {
                in_code = !in_code;
                events.push(event);
            }
            Event::Text(text) if !in_code && !cited.is_empty() => link_citations(&text, cited, &mut events),
            Event::Html(html) | Event::InlineHtml(html) => events.push(Event::Text(html)),
            // The browser would fetch an image from the document's URL; its alternative text stays.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            other => events.push(other),
        }
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    SANITIZER.clean(&html).to_string()
}

fn link_citations<'a>(text: &str, cited: &[u32], events: &mut Vec<Event<'a>>) {
    let mut rest_from = 0;
    for (range, number) in crate::cite::markers(text) {
        if !cited.contains(&number) {
            continue;
        }
        events.push(Event::Text(CowStr::from(text[rest_from..range.start].to_owned())));
        let link = format!(
            r##"<a class="citation" href="#citation-{number}" data-citation="{number}">{number}</a>"##
        );
        events.push(Event::InlineHtml(CowStr::from(link)));
        rest_from = range.end;
    }
    events.push(Event::Text(CowStr::from(text[rest_from..].to_owned())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_become_links_and_other_brackets_stay() {
        let html = answer_html("Leave is **15 days** [1], see `a[1]` [2].", &[1]);
        assert!(html.contains(r##"href="#citation-1""##), "{html}");
        assert!(html.contains(r#"data-citation="1""#), "{html}");
        assert!(html.contains("<code>a[1]</code> [2]"), "{html}");
        assert!(html.contains("<strong>15 days</strong>"), "{html}");
    }

    #[test]
    fn markup_of_documents_has_no_power() {
        let hostile = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://evil.example/pixel.png)",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "<a href=\"https://evil.example\" style=\"position:fixed\">x</a>",
            "<style>body{display:none}</style>",
            "<iframe src=https://evil.example></iframe>",
            "[x](/api/v1/conversations)",
            "```html\n</code></pre><script>alert(1)</script>\n```",
        ];
        for text in hostile {
            for html in [document_html(text), answer_html(text, &[1])] {
                // Escaped markup is text; only tags have an effect.
                for tag in html.to_lowercase().split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
                    let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
                    assert!(!["script", "img", "style", "iframe"].contains(&name), "{text} -> {html}");
                    for forbidden in [" style=", " on", "javascript:", "data:", "href=\"/"] {
                        assert!(!tag.contains(forbidden), "{text} -> {html}");
                    }
                }
            }
        }
    }

    #[test]
    fn korean_ranges_are_not_struck_through() {
        let html = document_html("10~35도, 습도는 20~80%에서 ~~쓰세요~~.");
        assert!(html.contains("10~35도, 습도는 20~80%"), "{html}");
    }

    #[test]
    fn links_do_not_tell_where_they_were_clicked() {
        let html = document_html("[내규](https://example.com/rules)");
        assert!(html.contains("noopener noreferrer nofollow"), "{html}");
        assert!(html.contains("내규"), "{html}");
    }

    #[test]
    fn a_forged_citation_link_does_not_survive() {
        let html = answer_html(r##"<a class="citation" href="#citation-7" data-citation="7">7</a>"##, &[1]);
        assert!(!html.contains("<a "), "{html}");
    }
}
