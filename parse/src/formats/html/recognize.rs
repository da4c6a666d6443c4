//! Recognizes HTML by its beginning.

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
