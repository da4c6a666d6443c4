//! Parses HTML pages: the main content, without navigation, scripts, styles and hidden text.
//!
//! A page that marks its main content (`<main>`) is believed. For any other, Mozilla's Readability heuristics
//! (dom_smoothie) find it; if they find too little, the whole body is used, because a lost answer is worse than a menu
//! in a chunk.

use dom_query::Document;
use dom_smoothie::{Config, Readability};

use crate::error::ParseError;
use crate::formats::html::nesting::is_too_deep;
use crate::formats::html::to_markdown::{remove_hidden, text_nodes, to_markdown};
use crate::formats::html::tree;
use crate::formats::markdown::{clean, headings};
use crate::formats::text;
use crate::parsed::Parsed;

/// Elements around the main content.
const AROUND: &str = "nav, aside, footer, [role='navigation'], [role='complementary'], [role='contentinfo'], \
                      [role='banner'], [role='search']";

/// Minimum share of the body's text that Readability's article must have.
const MIN_ARTICLE_SHARE: f64 = 0.25;

/// Maximum size of a body for Readability, whose cost grows faster than the page.
const MAX_ARTICLE_BYTES: usize = 4 * 1024 * 1024;

/// Parses a page. One that is nested too deeply to be converted is parsed as plain text.
///
/// # Errors
/// Those of [`tree::page`], for a page nested even deeper.
pub(crate) fn parse(page: &str) -> Result<Parsed, ParseError> {
    let document = tree::page(page)?;
    remove_hidden(&document);
    if is_too_deep(&document.root()) {
        return Ok(text::parse(&text_nodes(&document)));
    }
    let headline = document.select_single("h1").text();
    let headline = Some(headline.trim().to_owned()).filter(|headline| !headline.is_empty());
    let page_title = document.select_single("title").text().trim().to_owned();
    let (content, article_title) = main_content(document);
    let parsed = clean::parse(&to_markdown(&content));
    Ok(headings::with_title(parsed, headline.or(article_title).or(Some(page_title))))
}

/// The HTML of the main content, and the title of the article if Readability found one.
fn main_content(document: Document) -> (String, Option<String>) {
    document.select(AROUND).remove();
    for header in document.select("header").nodes() {
        // The header of an article has its headline, the header of a site its menu.
        if header.descendants_it().all(|node| !node.has_name("h1")) {
            header.remove_from_parent();
        }
    }
    let main = document.select_single("main, [role='main']");
    if !main.text().trim().is_empty() {
        return (main.inner_html().to_string(), None);
    }
    let body = document.select_single("body");
    let (body_html, body_characters) = (body.inner_html().to_string(), count_characters(&body.text()));
    if body_html.len() > MAX_ARTICLE_BYTES {
        return (body_html, None);
    }
    // The language of code is in classes.
    let config = Config { keep_classes: true, ..Config::default() };
    let article = Readability::with_document(document, None, Some(config)).and_then(|mut page| page.parse());
    match article {
        Ok(article) => {
            let share = count_characters(&article.text_content) as f64 / body_characters.max(1) as f64;
            let title = (!article.title.trim().is_empty()).then(|| article.title.trim().to_owned());
            let content = if share < MIN_ARTICLE_SHARE { body_html } else { article.content.to_string() };
            (content, title)
        }
        Err(_) => (body_html, None),
    }
}

fn count_characters(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><html lang="ko"><head><title>반품 안내 | 해오름 전자</title>
<style>p { color: red }</style></head><body>
<header><a href="/">해오름</a></header><nav><ul><li><a href="/shop">상점</a></li><li>장바구니</li></ul></nav>
<div id="content"><h1>반품 안내</h1>
<p>제품을 받은 날부터 <strong>14일</strong> 안에 반품을 신청할 수 있습니다. 상자를 뜯었어도 됩니다.</p>
<h2>비용</h2><table><tr><td>사유</td><td>배송비</td></tr><tr><td>단순 변심</td><td>3,000원</td></tr></table>
<ul><li>불량이면 무료입니다.</li><li>교환은 <ul><li>한 번만 됩니다.</li></ul></li></ul>
<pre><code class="language-sh">daedap ask "반품"
# 주석</code></pre>
<p hidden>숨은 글</p><p style="display: none">안 보이는 글</p><script>alert("스크립트")</script></div>
<aside>광고입니다</aside><footer>사업자 번호 123</footer></body></html>"#;

    fn read(page: &str) -> Parsed {
        parse(page).expect("a page")
    }

    #[test]
    fn the_content_comes_and_what_surrounds_it_does_not() {
        let parsed = read(PAGE);
        assert_eq!(parsed.title.as_deref(), Some("반품 안내"));
        for expected in [
            "# 반품 안내",
            "**14일**",
            "## 비용",
            "| 단순 변심 | 3,000원 |",
            "- 불량이면 무료입니다.",
            "```sh\ndaedap ask \"반품\"\n# 주석\n```",
        ] {
            assert!(parsed.markdown.contains(expected), "{expected} is missing in\n{}", parsed.markdown);
        }
        for noise in ["상점", "장바구니", "숨은", "안 보이는", "스크립트", "광고", "사업자", "color"]
        {
            assert!(!parsed.markdown.contains(noise), "{noise} is in\n{}", parsed.markdown);
        }
    }

    #[test]
    fn a_marked_main_content_is_believed() {
        let page = "<html><title>Opening hours</title><body><div>Menu one two three</div>\
                    <main><p>We open at nine.</p></main><div>More links</div></body></html>";
        let parsed = read(page);
        assert_eq!(parsed.markdown.trim(), "# Opening hours\n\nWe open at nine.");
        assert_eq!(parsed.title.as_deref(), Some("Opening hours"));
    }

    #[test]
    fn a_page_too_short_for_an_article_is_taken_whole() {
        let parsed =
            read("<p>문의: <a href='mailto:help@example.com'>help@example.com</a></p><p>평일 9시</p>");
        assert!(parsed.markdown.contains("help@example.com"), "{}", parsed.markdown);
        assert!(parsed.markdown.contains("평일 9시"), "{}", parsed.markdown);
    }

    fn nested(depth: usize) -> String {
        format!("<body>{}deep text{}</body>", "<div>".repeat(depth), "</div>".repeat(depth))
    }

    #[test]
    fn a_page_nested_deeply_is_read_as_text_and_one_without_end_is_refused() {
        assert_eq!(read(&nested(150)).markdown.trim(), "deep text");
        assert_eq!(read(&nested(400)).markdown, "deep text\n");
        let error = parse(&nested(1_000_000)).expect_err("nested without end");
        assert_eq!(error.code(), "parser_failed");
        let unclosed = format!("<ul>{}</ul>", "<li>one<p>two".repeat(5_000));
        assert!(read(&unclosed).markdown.contains("two"));
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        let parsed = read("<html><body><h1>Prices<p>A <b>bold <i>move</b> costs 5 &euro;<table><tr><td>x");
        assert!(parsed.markdown.contains("costs 5 €"), "{}", parsed.markdown);
    }
}
