//! Converts HTML inside Markdown: removes the tags and keeps what a reader would see.

use crate::formats::html::{to_markdown, tree};

/// The elements of HTML. Anything else in angle brackets is text: a placeholder (`<path>` in a manual), a type
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

/// Attributes of a component whose values are shown to readers.
const READABLE_ATTRIBUTES: &[&str] = &["title", "caption", "label", "alt", "description"];

/// How an inline tag is handled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InlineTag {
    /// It is text, not a tag.
    Text,
    /// It is replaced with this.
    Replace(String),
    /// It opens a superscript.
    OpenSuperscript,
    /// It opens a hidden element of this name.
    OpenHidden(String),
    /// It closes an element of this name.
    Close(String),
}

/// Classifies an inline tag or comment as the Markdown parser reports it.
pub(crate) fn inline(tag: &str) -> InlineTag {
    if tag.starts_with("<!") || tag.starts_with("<?") {
        return InlineTag::Replace(String::new());
    }
    let name = name_of(tag);
    if !is_element(&name) {
        return InlineTag::Text;
    }
    if tag.starts_with("</") {
        return InlineTag::Close(name);
    }
    match name.as_str() {
        "br" => InlineTag::Replace(" ".to_owned()),
        "sup" => InlineTag::OpenSuperscript,
        "img" => InlineTag::Replace(attribute(tag, "alt").unwrap_or_default()),
        _ if to_markdown::hides(tag) => InlineTag::OpenHidden(name),
        _ => InlineTag::Replace(String::new()),
    }
}

/// Converts a block of HTML to Markdown; `None` if it is not HTML and stays as it is.
pub(crate) fn block(html: &str) -> Option<String> {
    let trimmed = html.trim();
    if trimmed.starts_with("<!") || trimmed.starts_with("<?") {
        // A comment, possibly followed by more.
        return Some(to_markdown::fragment_to_markdown(trimmed));
    }
    let name = name_of(trimmed);
    if is_element(&name) {
        return Some(to_markdown::fragment_to_markdown(trimmed));
    }
    is_component(trimmed).then(|| component(trimmed))
}

/// Whether it is a component of a documentation tool (MDX, mdBook's `<Listing>`). Their names begin with a capital.
fn is_component(tag: &str) -> bool {
    tag.trim_start_matches(['<', '/']).starts_with(|c: char| c.is_ascii_uppercase()) && tag.ends_with('>')
}

/// Converts a component: `<Listing number="4-1" caption="A variable">` becomes "Listing 4-1: A variable".
fn component(html: &str) -> String {
    let inner = to_markdown::fragment_to_markdown(html);
    let tag_end = html.find('>').map_or(html.len(), |end| end + 1);
    let tag = &html[..tag_end];
    let captions: Vec<String> = READABLE_ATTRIBUTES.iter().filter_map(|name| attribute(tag, name)).collect();
    if captions.is_empty() {
        return inner;
    }
    let name: String = tag.trim_start_matches('<').chars().take_while(char::is_ascii_alphanumeric).collect();
    let caption = match attribute(tag, "number") {
        Some(number) => format!("{name} {number}: {}", captions.join(", ")),
        None => captions.join(", "),
    };
    if inner.is_empty() { caption } else { format!("{caption}\n\n{inner}") }
}

/// The name of a tag in lower case.
fn name_of(tag: &str) -> String {
    let after_bracket = tag.trim_start_matches('<').trim_start_matches('/');
    let name: String = after_bracket.chars().take_while(char::is_ascii_alphanumeric).collect();
    name.to_ascii_lowercase()
}

fn is_element(name: &str) -> bool {
    ELEMENTS.binary_search(&name).is_ok()
}

/// The value of an attribute, with entities resolved; `None` if it is blank.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let document = tree::fragment(tag).ok()?;
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
        assert_eq!(inline("<span class=\"filename\">"), InlineTag::Replace(String::new()));
        assert_eq!(inline("</span>"), InlineTag::Close("span".to_owned()));
        assert_eq!(inline("<!-- ignore -->"), InlineTag::Replace(String::new()));
        assert_eq!(
            inline("<img alt=\"조직도,\n2026년\" src=x>"),
            InlineTag::Replace("조직도, 2026년".to_owned())
        );
        assert_eq!(inline("<span style='DISPLAY : none'>"), InlineTag::OpenHidden("span".to_owned()));
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
