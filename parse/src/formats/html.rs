//! HTML: the main content as Markdown. Navigation, scripts, styles and hidden text do not come along.
//!
//! A page that marks its main content (`<main>`) is believed. Any other goes through Mozilla's Readability
//! heuristics (dom_smoothie); where they find too little, the whole body is taken, for a lost answer is worse than
//! a menu in a chunk.

use dom_query::{Document, NodeRef};
use dom_smoothie::{Config, Readability};
use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};

use super::{ParseError, Parsed, markdown, text};

/// Elements that hold nothing a reader of the page reads.
const UNREAD: &str = "script, style, template, noscript, iframe, object, embed, canvas, svg, button, select, input, \
                      textarea, datalist, [hidden], [aria-hidden='true']";

/// Elements around the content.
const AROUND: &str = "nav, aside, footer, [role='navigation'], [role='complementary'], [role='contentinfo'], \
                      [role='banner'], [role='search']";

/// Readability's choice is taken if it holds at least this share of the body's text.
const MIN_ARTICLE_SHARE: f64 = 0.25;

/// Pages larger than this go without Readability: its cost grows faster than the page.
const MAX_ARTICLE_BYTES: usize = 4 * 1024 * 1024;

/// Conversion to Markdown descends by recursion; a page nested deeper than this is read as text.
const MAX_DEPTH: usize = 200;

/// Building the tree looks through all open elements for each new one; a page with more of them open than this is
/// not built. It is where browsers stop, and far above real pages.
const MAX_OPEN_ELEMENTS: usize = 512;

/// Bytes of a tag's name that are looked at; longer than any element's.
const MAX_NAME_BYTES: usize = 16;

/// Elements that are never open at the same time as the next one of their kind: they have no content, or the
/// next one closes them.
const SELF_CLOSING: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "optgroup",
    "option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track",
    "wbr",
];

/// Reads a page.
///
/// # Errors
/// `Failed` for elements nested without end.
pub(super) fn parse(page: &str) -> Result<Parsed, ParseError> {
    check_open_elements(page)?;
    let document = Document::from(page);
    remove_unread(&document);
    if is_too_deep(&document.root()) {
        return Ok(text::parse(&text_nodes(&document)));
    }
    let headline = document.select_single("h1").text();
    let headline = Some(headline.trim().to_owned()).filter(|headline| !headline.is_empty());
    let page_title = document.select_single("title").text().trim().to_owned();
    let (content, article_title) = main_content(document);
    let parsed = markdown::parse(&to_markdown(&content));
    Ok(markdown::with_title(parsed, headline.or(article_title).or(Some(page_title))))
}

/// A piece of HTML, as it occurs within Markdown.
pub(super) fn fragment_to_markdown(html: &str) -> String {
    if opens_too_many(html) {
        return html.to_owned();
    }
    let document = Document::fragment(html);
    remove_unread(&document);
    if is_too_deep(&document.root()) {
        return text_nodes(&document);
    }
    to_markdown(&document.html())
}

/// A page that is content from its first word to its last.
///
/// # Errors
/// `Failed` for elements nested without end.
pub(super) fn whole_page_to_markdown(page: &str) -> Result<String, ParseError> {
    // XHTML may close `<title/>` in itself, and HTML would take all that follows for the title.
    let body = memchr::memmem::find(page.as_bytes(), b"<body").map_or(page, |at| &page[at..]);
    check_open_elements(body)?;
    Ok(fragment_to_markdown(body))
}

/// Whether the first element of `tag` hides what is in it.
pub(super) fn hides(tag: &str) -> bool {
    let document = Document::fragment(tag);
    let elements = || document.root().descendants_it().filter(NodeRef::is_element).count();
    let before = elements();
    remove_unread(&document);
    elements() < before
}

/// The HTML of the content, and the title of the article if Readability found one.
fn main_content(document: Document) -> (String, Option<String>) {
    document.select(AROUND).remove();
    for header in document.select("header").nodes() {
        // The header of an article holds its headline, the header of a site its menu.
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
    // Classes tell the language of code.
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

fn to_markdown(html: &str) -> String {
    let document = Document::fragment(html);
    give_tables_a_header(&document);
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder().options(options).skip_tags(vec!["head"]).build();
    let html = document.html();
    // The converter reads from memory, and that does not fail; without it, the text is what is left.
    converter.convert(&html).unwrap_or_else(|_| text_nodes(&document))
}

/// A Markdown table needs a header; without one the cells would run together. The first row is the best guess.
fn give_tables_a_header(document: &Document) {
    for table in document.select("table").nodes() {
        let has = |name: &str| table.descendants_it().any(|node| node.has_name(name));
        if has("th") || has("table") {
            continue;
        }
        let row = table.descendants_it().find(|node| node.has_name("tr"));
        let cells = row.map(|row| row.children()).unwrap_or_default();
        for cell in cells.iter().filter(|node| node.has_name("td")) {
            cell.rename("th");
        }
    }
}

fn remove_unread(document: &Document) {
    document.select(UNREAD).remove();
    for element in document.select("[style]").nodes() {
        let style: String = element
            .attr_or("style", "")
            .chars()
            .filter(|character| !character.is_whitespace())
            .map(|character| character.to_ascii_lowercase())
            .collect();
        if style.contains("display:none") || style.contains("visibility:hidden") {
            element.remove_from_parent();
        }
    }
}

/// Refuses a page that a tree is not built for.
///
/// # Errors
/// `Failed`.
pub(crate) fn check_open_elements(html: &str) -> Result<(), ParseError> {
    if opens_too_many(html) {
        let reason = format!("more than {MAX_OPEN_ELEMENTS} HTML elements are open at once");
        return Err(ParseError::Failed(reason));
    }
    Ok(())
}

/// Whether more elements are open at some place than a tree is built for, judged by the tags alone.
fn opens_too_many(html: &str) -> bool {
    let mut open = 0_usize;
    for tag in html.split('<').skip(1) {
        let closes = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let length = name.bytes().take(MAX_NAME_BYTES).take_while(u8::is_ascii_alphanumeric).count();
        if length == 0 || is_self_closing(&name[..length]) {
            continue;
        }
        open = if closes { open.saturating_sub(1) } else { open + 1 };
        if open > MAX_OPEN_ELEMENTS {
            return true;
        }
    }
    false
}

fn is_self_closing(name: &str) -> bool {
    SELF_CLOSING.iter().any(|element| element.eq_ignore_ascii_case(name))
}

fn is_too_deep(root: &NodeRef<'_>) -> bool {
    let mut node = root.first_child();
    let mut depth = 1_usize;
    while let Some(current) = node {
        if depth > MAX_DEPTH {
            return true;
        }
        if let Some(child) = current.first_child() {
            depth += 1;
            node = Some(child);
            continue;
        }
        let mut above = Some(current);
        node = None;
        while let Some(last) = above {
            if let Some(sibling) = last.next_sibling() {
                node = Some(sibling);
                break;
            }
            depth = depth.saturating_sub(1);
            above = last.parent().filter(|_| depth > 0);
        }
    }
    false
}

/// All text below the document's root, one line per text node.
fn text_nodes(document: &Document) -> String {
    let root = document.root();
    let lines = root.descendants_it().filter(NodeRef::is_text).map(|node| node.text().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
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
