//! Finds the headings of a Markdown text, and adds a title as the main heading.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::formats::markdown::edits::Edits;
use crate::formats::markdown::syntax::SYNTAX;
use crate::parsed::Parsed;

/// Makes the title from the metadata of a document the main heading, unless the text has a main heading.
pub(crate) fn with_title(parsed: Parsed, title: Option<String>) -> Parsed {
    let title = title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
    let Some(title) = title.filter(|title| !title.is_empty() && !parsed.markdown.trim().is_empty()) else {
        return parsed;
    };
    if headings(&parsed.markdown).any(|(level, _, _)| level == 1) {
        return parsed;
    }
    // If the first heading has the same words on a lower level, it would be beside the sections, not above them.
    let repeated = headings(&parsed.markdown).next().filter(|(_, text, _)| *text == title);
    let mut edits = Edits::new(&parsed.markdown);
    if let Some((_, _, range)) = repeated {
        edits.remove(range);
    }
    let markdown = format!("# {title}\n\n{}", edits.apply().trim_start());
    Parsed { title: Some(title), markdown, page_starts: parsed.page_starts }
}

/// The plain text of the first heading that is not empty.
pub(crate) fn first_heading(markdown: &str) -> Option<String> {
    headings(markdown).map(|(_, text, _)| text).find(|text| !text.is_empty())
}

/// Level, plain text and range of each heading.
fn headings(markdown: &str) -> impl Iterator<Item = (usize, String, Range<usize>)> {
    let mut text = String::new();
    Parser::new_ext(markdown, SYNTAX).into_offset_iter().filter_map(move |(event, range)| match event {
        Event::Start(Tag::Heading { .. }) => {
            text.clear();
            None
        }
        Event::End(TagEnd::Heading(level)) => Some((level as usize, text.trim().to_owned(), range)),
        event => {
            push_plain_text(&mut text, &event);
            None
        }
    })
}

/// Adds the plain text of an event.
pub(crate) fn push_plain_text(text: &mut String, event: &Event<'_>) {
    match event {
        // In a stored text, what looks like a tag is text: cleaning has removed all tags.
        Event::Text(part) | Event::Code(part) | Event::InlineHtml(part) => text.push_str(part),
        Event::SoftBreak | Event::HardBreak => text.push(' '),
        _ => {}
    }
}
