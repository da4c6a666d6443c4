//! Parses plain text: escapes what would be Markdown structure that its author did not intend.

use crate::formats::markdown::headings;
use crate::parsed::Parsed;

/// Minimum length of a line of dashes or equals signs that makes the line above it a heading.
const MIN_UNDERLINE_CHARACTERS: usize = 3;

/// Parses plain text. A `#` is escaped, because it begins a comment in most files that are not Markdown. A single line
/// underlined with `===` or `---` is a heading.
pub(crate) fn parse(text: &str) -> Parsed {
    let mut markdown = String::with_capacity(text.len());
    let mut paragraph_lines = 0;
    for line in text.lines() {
        let content = line.trim();
        if is_underline(content) && paragraph_lines > 1 {
            // A rule below a paragraph: without a blank line between them the whole paragraph would be a heading.
            markdown.push('\n');
        }
        if content.starts_with('#') {
            let indent = line.len() - line.trim_start().len();
            markdown.push_str(&line[..indent]);
            markdown.push('\\');
            markdown.push_str(&line[indent..]);
        } else {
            markdown.push_str(line);
        }
        markdown.push('\n');
        let is_paragraph = !content.is_empty() && !is_underline(content);
        paragraph_lines = if is_paragraph { paragraph_lines + 1 } else { 0 };
    }
    Parsed { title: headings::first_heading(&markdown), markdown, page_starts: Vec::new() }
}

fn is_underline(content: &str) -> bool {
    let is_made_of = |mark: u8| content.bytes().all(|byte| byte == mark);
    content.len() >= MIN_UNDERLINE_CHARACTERS && (is_made_of(b'-') || is_made_of(b'='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::markdown::outline::outline;
    use crate::formats::markdown::outline_builder::LeafKind;

    fn paths(text: &str) -> Vec<(Vec<String>, String)> {
        let parsed = parse(text);
        outline(&parsed.markdown)
            .into_iter()
            .map(|leaf| (leaf.path.to_vec(), leaf.text.into_owned()))
            .collect()
    }

    #[test]
    fn an_underlined_line_is_a_heading() {
        let text = "휴가 안내\n=========\n연차는 15일입니다.\n\n이월\n----\n3월까지입니다.\n";
        assert_eq!(parse(text).title.as_deref(), Some("휴가 안내"));
        assert_eq!(
            paths(text),
            [
                (vec!["휴가 안내".to_owned()], "연차는 15일입니다.".to_owned()),
                (vec!["휴가 안내".to_owned(), "이월".to_owned()], "3월까지입니다.".to_owned()),
            ]
        );
    }

    #[test]
    fn a_rule_below_a_paragraph_makes_no_heading() {
        let text = "Kim Minji\nSeoul\n-----\nBest regards\n";
        assert_eq!(parse(text).title, None);
        assert!(paths(text).iter().all(|(path, _)| path.is_empty()));
    }

    #[test]
    fn a_comment_is_no_heading() {
        let text = "# settings of the printer\nport = 9100\n";
        assert_eq!(parse(text).title, None);
        assert_eq!(parse(text).markdown, "\\# settings of the printer\nport = 9100\n");
    }

    #[test]
    fn nothing_is_read_as_html_or_dropped() {
        let text = "From: <kim@example.com>\n<b>x</b>\n[1]: a note\n";
        let leaves = parse(text);
        let outline = outline(&leaves.markdown);
        assert!(outline.iter().all(|leaf| leaf.kind == LeafKind::Prose));
        let joined: String = outline.iter().map(|leaf| leaf.text.as_ref()).collect();
        assert!(joined.contains("<kim@example.com>") && joined.contains("[1]: a note"));
    }
}
