//! Converts HTML to Markdown.

use dom_query::{Document, NodeRef};
use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};

use crate::error::ParseError;
use crate::formats::html::nesting::is_too_deep;
use crate::formats::html::tree;

/// Elements whose content a reader of the page does not see as text.
const HIDDEN: &str = "script, style, template, noscript, iframe, object, embed, canvas, svg, button, select, input, \
                      textarea, datalist, [hidden], [aria-hidden='true']";

/// Converts a fragment of HTML. One that costs too much to build a tree of stays as it is.
pub(crate) fn fragment_to_markdown(html: &str) -> String {
    part_to_markdown(html).unwrap_or_else(|_| html.to_owned())
}

fn part_to_markdown(html: &str) -> Result<String, ParseError> {
    let document = tree::fragment(html)?;
    remove_hidden(&document);
    if is_too_deep(&document.root()) {
        return Ok(text_nodes(&document));
    }
    Ok(to_markdown(&document.html()))
}

/// Converts a page that has only content, no navigation.
///
/// # Errors
/// Those of [`tree::fragment`].
pub(crate) fn whole_page_to_markdown(page: &str) -> Result<String, ParseError> {
    // `<title/>` is closed in XHTML, but an HTML parser takes everything behind it for the title.
    let body = memchr::memmem::find(page.as_bytes(), b"<body").map_or(page, |at| &page[at..]);
    part_to_markdown(body)
}

/// Whether the element that `tag` opens is hidden.
pub(crate) fn hides(tag: &str) -> bool {
    let Ok(document) = tree::fragment(tag) else { return false };
    let elements = || document.root().descendants_it().filter(NodeRef::is_element).count();
    let before = elements();
    remove_hidden(&document);
    elements() < before
}

/// Converts HTML that is not nested too deeply.
pub(crate) fn to_markdown(html: &str) -> String {
    let Ok(document) = tree::fragment(html) else { return html.to_owned() };
    give_tables_a_header(&document);
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder().options(options).skip_tags(vec!["head"]).build();
    let html = document.html();
    // Reading from memory does not fail; if it did, the text without markup is better than nothing.
    converter.convert(&html).unwrap_or_else(|_| text_nodes(&document))
}

/// Makes the first row of a table without a header its header: Markdown has no tables without one.
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

/// Removes elements that a reader of the page does not see.
pub(crate) fn remove_hidden(document: &Document) {
    document.select(HIDDEN).remove();
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

/// The text of the document without markup, one line per text node.
pub(crate) fn text_nodes(document: &Document) -> String {
    let root = document.root();
    let lines = root.descendants_it().filter(NodeRef::is_text).map(|node| node.text().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
