//! Divides a stored Markdown text into leaves under their headings.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::formats::markdown::headings::push_plain_text;
use crate::formats::markdown::outline_builder::{Leaf, LeafKind, OutlineBuilder};
use crate::formats::markdown::syntax::SYNTAX;

/// Divides a stored text into leaves, in order.
pub fn outline(markdown: &str) -> Vec<Leaf<'_>> {
    let mut outline = OutlineBuilder::new(markdown);
    let mut heading: Option<String> = None;
    for (event, range) in Parser::new_ext(markdown, SYNTAX).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) if outline.takes_headings() => heading = Some(String::new()),
            Event::End(TagEnd::Heading(level)) => {
                if let Some(text) = heading.take() {
                    outline.heading(&range, level as usize, &text);
                }
            }
            Event::Start(Tag::List(_)) => outline.begin_list(range.start),
            Event::End(TagEnd::List(_)) => outline.end_list(range.end),
            Event::Start(Tag::Item) => outline.begin(range.start, LeafKind::Item),
            Event::Start(Tag::BlockQuote(_)) => outline.begin_quote(range.start),
            Event::End(TagEnd::BlockQuote(_)) => outline.end_quote(range.end),
            Event::Start(Tag::CodeBlock(_)) => outline.begin(range.start, LeafKind::Code),
            Event::Start(Tag::Table(_)) => outline.begin(range.start, LeafKind::Table),
            Event::End(TagEnd::CodeBlock | TagEnd::Table) => outline.end(range.end),
            Event::Start(Tag::Paragraph | Tag::HtmlBlock | Tag::FootnoteDefinition(_)) | Event::Rule
                if outline.takes_headings() =>
            {
                outline.begin(range.start, LeafKind::Prose);
            }
            event => {
                if let Some(text) = &mut heading {
                    push_plain_text(text, &event);
                }
            }
        }
    }
    outline.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_tell_kinds_and_lists_are_one_block() {
        let text = "p\n\n- a\n  - b\n\n  ```sh\n  c\n  ```\n- d\n\n| x |\n|---|\n| y |\n";
        let leaves = outline(text);
        let kinds: Vec<(LeafKind, &str)> =
            leaves.iter().map(|leaf| (leaf.kind, leaf.text.as_ref())).collect();
        assert_eq!(
            kinds,
            [
                (LeafKind::Prose, "p"),
                (LeafKind::Item, "- a"),
                (LeafKind::Item, "  - b"),
                (LeafKind::Code, "  ```sh\n  c\n  ```"),
                (LeafKind::Item, "- d"),
                (LeafKind::Table, "| x |\n|---|\n| y |"),
            ]
        );
        let list: std::collections::HashSet<usize> = leaves[1..5].iter().map(|leaf| leaf.block).collect();
        assert_eq!(list.len(), 1);
    }

    #[test]
    fn what_the_parser_passes_over_is_still_a_leaf() {
        let leaves = outline("[a]: b\n\n# H\n[c]: d\n");
        let texts: Vec<&str> = leaves.iter().map(|leaf| leaf.text.as_ref()).collect();
        assert_eq!(texts, ["[a]: b", "[c]: d"]);
    }
}
