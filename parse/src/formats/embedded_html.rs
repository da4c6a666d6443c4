//! HTML within Markdown: what its tags say to a reader is kept, the tags are not.

use dom_query::Document;

use super::html;

/// Elements that HTML knows. Anything else in angle brackets is text: a placeholder (`<path>` in a manual), a type
/// parameter, or a component of a documentation tool.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "mark",
    "menu",
    "meta",
    "nav",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "picture",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "script",
    "section",
    "select",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

/// Attributes of a component whose values people read.
const READABLE_ATTRIBUTES: &[&str] = &["title", "caption", "label", "alt", "description"];

/// What becomes of one inline tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InlineTag {
    /// It is no tag but text.
    Text,
    /// It stands for this.
    Stands(String),
    /// It opens a superscript.
    Raises,
    /// It opens an element whose content is hidden; the name closes it again.
    Hides(String),
    /// It closes an element of this name.
    Closes(String),
}

/// Reads an inline tag or comment as the Markdown parser reports it.
pub(super) fn inline(tag: &str) -> InlineTag {
    if tag.starts_with("<!") || tag.starts_with("<?") {
        return InlineTag::Stands(String::new());
    }
    let name = name_of(tag);
    if !is_element(&name) {
        return InlineTag::Text;
    }
    if tag.starts_with("</") {
        return InlineTag::Closes(name);
    }
    match name.as_str() {
        "br" => InlineTag::Stands(" ".to_owned()),
        "sup" => InlineTag::Raises,
        "img" => InlineTag::Stands(attribute(tag, "alt").unwrap_or_default()),
        _ if html::hides(tag) => InlineTag::Hides(name),
        _ => InlineTag::Stands(String::new()),
    }
}

/// A block of HTML as Markdown; `None` where it is no HTML and stays as it is.
pub(super) fn block(html: &str) -> Option<String> {
    let trimmed = html.trim();
    if trimmed.starts_with("<!") || trimmed.starts_with("<?") {
        // A comment, possibly with more behind it.
        return Some(html::fragment_to_markdown(trimmed));
    }
    let name = name_of(trimmed);
    if is_element(&name) {
        return Some(html::fragment_to_markdown(trimmed));
    }
    is_component(trimmed).then(|| component(trimmed))
}

/// Components of documentation tools (MDX, mdBook's `<Listing>`) begin with a capital, unlike any HTML element.
fn is_component(tag: &str) -> bool {
    tag.trim_start_matches(['<', '/']).starts_with(|c: char| c.is_ascii_uppercase()) && tag.ends_with('>')
}

/// `<Listing number="4-1" caption="A variable">` says "Listing 4-1: A variable".
fn component(html: &str) -> String {
    let inner = html::fragment_to_markdown(html);
    let tag_end = html.find('>').map_or(html.len(), |end| end + 1);
    let tag = &html[..tag_end];
    let said: Vec<String> = READABLE_ATTRIBUTES.iter().filter_map(|name| attribute(tag, name)).collect();
    if said.is_empty() {
        return inner;
    }
    let name: String = tag.trim_start_matches('<').chars().take_while(char::is_ascii_alphanumeric).collect();
    let caption = match attribute(tag, "number") {
        Some(number) => format!("{name} {number}: {}", said.join(", ")),
        None => said.join(", "),
    };
    if inner.is_empty() { caption } else { format!("{caption}\n\n{inner}") }
}

/// The lower-case name in a tag.
fn name_of(tag: &str) -> String {
    let after_bracket = tag.trim_start_matches('<').trim_start_matches('/');
    let name: String = after_bracket.chars().take_while(char::is_ascii_alphanumeric).collect();
    name.to_ascii_lowercase()
}

fn is_element(name: &str) -> bool {
    ELEMENTS.binary_search(&name).is_ok()
}

/// An attribute's value as HTML reads it, not blank.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let document = Document::fragment(tag);
    let value = document.select(&format!("[{name}]")).attr(name)?;
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_elements_is_sorted() {
        assert!(ELEMENTS.is_sorted());
    }

    #[test]
    fn tags_go_and_what_they_say_stays() {
        assert_eq!(inline("<span class=\"filename\">"), InlineTag::Stands(String::new()));
        assert_eq!(inline("</span>"), InlineTag::Closes("span".to_owned()));
        assert_eq!(inline("<!-- ignore -->"), InlineTag::Stands(String::new()));
        assert_eq!(
            inline("<img alt=\"조직도,\n2026년\" src=x>"),
            InlineTag::Stands("조직도, 2026년".to_owned())
        );
        assert_eq!(inline("<span style='DISPLAY : none'>"), InlineTag::Hides("span".to_owned()));
    }

    #[test]
    fn what_html_does_not_know_is_text() {
        assert_eq!(inline("<path>"), InlineTag::Text);
        assert_eq!(inline("<T>"), InlineTag::Text);
        assert_eq!(block("<file-name>\n"), None);
    }

    #[test]
    fn a_component_says_its_caption() {
        let listing =
            "<Listing number=\"4-1\" file-name=\"src/main.rs\" caption=\"A variable &amp; its scope\">\n";
        assert_eq!(block(listing).as_deref(), Some("Listing 4-1: A variable & its scope"));
        assert_eq!(block("</Listing>\n").as_deref(), Some(""));
        assert_eq!(block("<TabItem value=\"mac\" label=\"맥\">\n").as_deref(), Some("맥"));
    }

    #[test]
    fn a_block_of_html_becomes_markdown() {
        let details =
            "<details>\n<summary>환불은 언제 되나요?</summary>\n<p>7일 안에 됩니다.</p></details>\n";
        assert_eq!(block(details).as_deref(), Some("환불은 언제 되나요?\n\n7일 안에 됩니다."));
        assert_eq!(block("<!-- a note to editors -->\n").as_deref(), Some(""));
    }
}
