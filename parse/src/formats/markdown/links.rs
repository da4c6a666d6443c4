//! Lists the link targets of a Markdown text.

use pulldown_cmark::{Event, Parser, Tag};

use crate::formats::markdown::syntax::SYNTAX;

/// The link targets of a Markdown text, in order.
pub(crate) fn link_targets(text: &str) -> Vec<String> {
    let links = Parser::new_ext(text, SYNTAX).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    links.collect()
}
