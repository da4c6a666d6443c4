//! Recognizes HTML by its beginning.

use crate::charset;
use crate::formats::html::nesting::check_open_elements;

/// Decodes an HTML page; `None` for any other document, and for a page with too many open elements to build a tree of.
pub fn html_source(bytes: &[u8]) -> Option<String> {
    let text = charset::decode(bytes).ok()?;
    (begins_as_html(&text) && check_open_elements(&text).is_ok()).then_some(text)
}

/// Whether the text begins with an HTML document, behind declarations and comments.
pub(crate) fn begins_as_html(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        // Declarations and comments may come first.
        let skipped = match rest {
            _ if rest.starts_with("<?xml") => rest.split_once("?>"),
            _ if rest.starts_with("<!--") => rest.split_once("-->"),
            _ => None,
        };
        let Some((_, after)) = skipped else { break };
        rest = after.trim_start();
    }
    ["<!doctype html", "<html", "<head>", "<body"]
        .iter()
        .any(|opening| rest.get(..opening.len()).is_some_and(|start| start.eq_ignore_ascii_case(opening)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_a_tree_can_be_built_of_has_a_source() {
        let (page, _, _) = encoding_rs::EUC_KR.encode("<!doctype html><a href='약관'>이용 약관</a>");
        assert!(html_source(&page).is_some_and(|html| html.contains("이용 약관")));
        assert_eq!(html_source(b"# Markdown [b](b)"), None);
        let nested = format!("<html>{}", "<div>".repeat(1_000));
        assert_eq!(html_source(nested.as_bytes()), None);
    }
}
