//! Parses Markdown: cleans it for storing.
//!
//! Edits the author's text in place and leaves the rest as written. Removed are front matter, comments, HTML tags, hidden
//! text, link definitions, link targets without meaning outside the source (relative links, image files), and the
//! `{{#include}}` lines of book tools, whose text is in other files.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use crate::formats::markdown::edits::Edits;
use crate::formats::markdown::embedded_html::{self, InlineTag};
use crate::formats::markdown::headings::{first_heading, with_title};
use crate::formats::markdown::syntax::SOURCE_SYNTAX;
use crate::parsed::Parsed;

/// Parses a Markdown source. Its title is its first heading, else the one in its front matter.
pub(crate) fn parse(source: &str) -> Parsed {
    let parser = Parser::new_ext(source, SOURCE_SYNTAX);
    let mut cleaner = Cleaner::new(source);
    for (_, definition) in parser.reference_definitions().iter() {
        cleaner.edits.remove(definition.span.clone());
    }
    for (event, range) in parser.into_offset_iter() {
        cleaner.take(event, range);
    }
    let front_title = front_matter_title(&cleaner.front_matter);
    let markdown = cleaner.edits.apply();
    let parsed = Parsed { title: first_heading(&markdown), markdown, page_starts: Vec::new() };
    with_title(parsed, front_title)
}

/// A construct whose end has not been reached.
struct Open {
    range: Range<usize>,
    text: String,
}

/// A link whose end has not been reached: its text is between its first byte and `text_end`.
struct OpenLink {
    range: Range<usize>,
    target: Option<String>,
    text_end: usize,
}

/// Collects the edits from the parser's events.
struct Cleaner<'a> {
    source: &'a str,
    edits: Edits<'a>,
    front_matter: String,
    in_front_matter: bool,
    links: Vec<OpenLink>,
    image: Option<Open>,
    html: Option<Open>,
    code: Option<Open>,
    paragraph: Option<Open>,
    /// The name of the open hidden element, and where it begins.
    hidden: Option<(String, usize)>,
    /// The tag that opened the superscript.
    superscript: Option<Range<usize>>,
}

impl<'a> Cleaner<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            edits: Edits::new(source),
            front_matter: String::new(),
            in_front_matter: false,
            links: Vec::new(),
            image: None,
            html: None,
            code: None,
            paragraph: None,
            hidden: None,
            superscript: None,
        }
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        for link in self.links.iter_mut().filter(|link| link.range != range) {
            link.text_end = link.text_end.max(range.end);
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => self.text(&text),
            Event::Html(html) => {
                if let Some(open) = &mut self.html {
                    open.text.push_str(&html);
                }
            }
            Event::InlineHtml(tag) => self.inline_html(&tag, range),
            Event::Code(code) => self.text(&code),
            Event::SoftBreak | Event::HardBreak => self.text("\n"),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        let open = Open { range: range.clone(), text: String::new() };
        match tag {
            Tag::MetadataBlock(_) => self.in_front_matter = true,
            Tag::HtmlBlock => self.html = Some(open),
            Tag::CodeBlock(_) => self.code = Some(open),
            Tag::Paragraph => self.paragraph = Some(open),
            Tag::Image { .. } if self.image.is_none() => self.image = Some(open),
            Tag::Link { link_type, dest_url, .. } if self.image.is_none() => {
                if matches!(
                    link_type,
                    LinkType::Inline | LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut
                ) {
                    let target = is_absolute(&dest_url).then(|| dest_url.to_string());
                    let text_end = range.start + 1;
                    self.links.push(OpenLink { range, target, text_end });
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::MetadataBlock(_) => {
                self.in_front_matter = false;
                self.edits.remove(range);
            }
            TagEnd::HtmlBlock => self.end_html_block(),
            TagEnd::CodeBlock if self.code.take().is_some_and(|code| is_only_directives(&code.text)) => {
                self.edits.remove(range);
            }
            TagEnd::Paragraph => {
                self.hidden = None;
                self.superscript = None;
                let is_directive = |paragraph: Open| {
                    !paragraph.text.trim().is_empty() && is_only_directives(&paragraph.text)
                };
                if self.paragraph.take().is_some_and(is_directive) {
                    self.edits.remove(range);
                }
            }
            TagEnd::Heading(_) => self.remove_heading_id(&range),
            TagEnd::Image => {
                // An image inside an image's description ends first; the outermost one counts.
                if let Some(image) = self.image.take_if(|image| image.range == range) {
                    self.edits.replace(image.range, image.text);
                }
            }
            TagEnd::Link => self.end_link(&range),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_front_matter {
            self.front_matter.push_str(text);
        }
        for open in [&mut self.image, &mut self.code, &mut self.paragraph].into_iter().flatten() {
            open.text.push_str(text);
        }
    }

    fn inline_html(&mut self, tag: &str, range: Range<usize>) {
        match embedded_html::inline(tag) {
            InlineTag::Text => {}
            InlineTag::Replace(text) => self.edits.replace(range, text),
            InlineTag::OpenSuperscript => self.superscript = Some(range),
            InlineTag::Close(name) if name == "sup" => self.end_superscript(range),
            InlineTag::OpenHidden(name) => {
                self.edits.remove(range.clone());
                self.hidden.get_or_insert((name, range.start));
            }
            InlineTag::Close(name) => {
                let start = match self.hidden.take_if(|(hidden, _)| *hidden == name) {
                    Some((_, start)) => start,
                    None => range.start,
                };
                self.edits.remove(start..range.end);
            }
        }
    }

    /// Writes 2<sup>n - 1</sup> as 2^(n - 1), because 2n - 1 would be wrong, and 1<sup>st</sup> as 1st.
    fn end_superscript(&mut self, close: Range<usize>) {
        let Some(open) = self.superscript.take() else { return self.edits.remove(close) };
        let raised = self.source[open.end..close.start].trim();
        let (before, after) = match raised {
            "st" | "nd" | "rd" | "th" => ("", ""),
            _ if raised.chars().all(char::is_alphanumeric) => ("^", ""),
            _ => ("^(", ")"),
        };
        // On a line of its own, "1)" would begin a list.
        let raised = raised.replace('\n', " ");
        self.edits.replace(open.start..close.end, format!("{before}{raised}{after}"));
    }

    fn end_html_block(&mut self) {
        let Some(html) = self.html.take() else { return };
        let Some(markdown) = embedded_html::block(&html.text) else { return };
        if markdown.trim().is_empty() {
            self.edits.remove(html.range);
            return;
        }
        // Inside a list or a quote, each line needs the marks in front of it.
        let line = self.source[..html.range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let marks = self.source[line..html.range.start].chars();
        let marks: String = marks.map(|mark| if mark == '>' { '>' } else { ' ' }).collect();
        let lines = markdown.trim().replace('\n', &format!("\n{marks}"));
        let ends_line = self.source[html.range.clone()].ends_with('\n');
        self.edits.replace(html.range, if ends_line { lines + "\n" } else { lines });
    }

    /// A link keeps its target only if that has a meaning outside the source.
    fn end_link(&mut self, range: &Range<usize>) {
        let Some(link) = self.links.pop_if(|link| link.range == *range) else { return };
        let text_start = link.range.start + 1;
        match link.target {
            Some(target) => {
                self.edits.replace(link.text_end..link.range.end, format!("]({target})"));
            }
            None => {
                self.edits.remove(link.range.start..text_start);
                self.edits.remove(link.text_end..link.range.end);
            }
        }
    }

    /// Removes the id of a heading, which several tools write as `## Prices {#prices}`.
    fn remove_heading_id(&mut self, range: &Range<usize>) {
        let heading = self.source[range.clone()].trim_end();
        if let Some(id) = heading.rfind("{#").filter(|_| heading.ends_with('}')) {
            self.edits.remove(range.start + id..range.start + heading.len());
        }
    }
}

fn is_absolute(target: &str) -> bool {
    ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| target.starts_with(scheme))
}

/// Whether the text consists of `{{#include file}}` and similar directives only.
fn is_only_directives(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .all(|line| line.is_empty() || (line.starts_with("{{#") && line.ends_with("}}")))
}

fn front_matter_title(front_matter: &str) -> Option<String> {
    front_matter.lines().find_map(|line| {
        let value = line.strip_prefix("title")?.trim_start().strip_prefix([':', '='])?;
        let title = value.trim().trim_matches(['"', '\'']).trim();
        (!title.is_empty()).then(|| title.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::markdown::outline::outline;

    fn cleaned(source: &str) -> String {
        parse(source).markdown
    }

    #[test]
    fn front_matter_gives_the_title_and_goes() {
        let parsed = parse("---\ntitle: \"휴가 규정\"\ntags: [hr]\n---\n\n연차는 15일입니다.\n");
        assert_eq!(parsed.title.as_deref(), Some("휴가 규정"));
        assert_eq!(parsed.markdown, "# 휴가 규정\n\n연차는 15일입니다.\n");
        let parsed = parse("+++\ntitle = 'Leave'\n+++\n# Annual leave\n\nText.\n");
        assert_eq!(parsed.title.as_deref(), Some("Annual leave"));
        assert!(!parsed.markdown.contains("+++"));
    }

    #[test]
    fn the_first_heading_is_the_title_whatever_its_level() {
        assert_eq!(
            parse("text\n\n## 소유권이 `뭔가요`?\n\n# Later").title.as_deref(),
            Some("소유권이 뭔가요?")
        );
        assert_eq!(parse("Setext *title*\n===\n").title.as_deref(), Some("Setext title"));
        assert_eq!(parse("no heading\n").title, None);
        assert_eq!(parse("```\n# in code\n```\n").title, None);
    }

    #[test]
    fn comments_tags_and_hidden_text_go() {
        assert_eq!(cleaned("a<!-- note\nto editors --> b\n\n<!-- block -->\n\nc\n"), "a b\n\n\nc\n");
        assert_eq!(
            cleaned("<span class=\"filename\">Filename: src/main.rs</span>\n"),
            "Filename: src/main.rs\n"
        );
        assert_eq!(cleaned("x <span hidden>secret *text*</span> y\n"), "x  y\n");
        let formulas = "2<sup>n</sup>, 2<sup>n - 1</sup>, the 1<sup>st</sup>, H<sub>2</sub>O<br>next\n";
        assert_eq!(cleaned(formulas), "2^n, 2^(n - 1), the 1st, H2O next\n");
        assert_eq!(cleaned("run `a <b>` with <path> and Vec<T>\n"), "run `a <b>` with <path> and Vec<T>\n");
    }

    #[test]
    fn links_keep_targets_that_mean_something_elsewhere() {
        let source = "See [the form](https://example.com/f \"t\"), [*next* page](ch02.html), [refs][r]<!-- ignore -->,\n\
                      [short], <https://example.com> and ![a chart](chart.png).\n\n[r]: https://example.com/r\n[short]: x.md\n";
        let expected = "See [the form](https://example.com/f), *next* page, [refs](https://example.com/r),\n\
                        short, <https://example.com> and a chart.\n\n";
        assert_eq!(cleaned(source).trim_end(), expected.trim_end());
    }

    #[test]
    fn an_image_that_is_a_link_says_its_description() {
        assert_eq!(
            cleaned("[![build *status*](badge.svg)](https://ci.example.com)\n"),
            "[build status](https://ci.example.com)\n"
        );
        assert_eq!(cleaned("[](empty.md)x\n"), "x\n");
    }

    #[test]
    fn includes_of_book_tools_go_and_real_code_stays() {
        let source = "Like this:\n\n```rust\n{{#rustdoc_include ../listings/a.rs:here}}\n```\n\n{{#include intro.md}}\n\n\
                      ```rust\nlet braces = \"{{}}\";\n```\n";
        assert_eq!(cleaned(source), "Like this:\n\n\n\n\n```rust\nlet braces = \"{{}}\";\n```\n");
    }

    #[test]
    fn html_blocks_become_markdown_also_in_a_quote() {
        let source =
            "<table>\n<tr><th>요금</th><th>지역</th></tr>\n<tr><td>3000</td><td>서울</td></tr>\n</table>\n";
        let table = cleaned(source);
        assert!(table.contains("| 요금") && table.contains("| 3000"), "{table}");
        assert_eq!(cleaned("> <div>one</div>\n>\n> two\n"), "> one\n>\n> two\n");
    }

    #[test]
    fn ids_of_headings_go() {
        assert_eq!(cleaned("## Prices {#prices}\n"), "## Prices \n");
        assert_eq!(parse("## Prices {#prices}\n").title.as_deref(), Some("Prices"));
    }

    #[test]
    fn hostile_markdown_is_read_in_time() {
        for pattern in [
            "[",
            "> ",
            "- ",
            "*a_ ",
            "![",
            "`a",
            "<b>",
            "<div>\n",
            "[a](b",
            "# a\n",
            "|a",
            "<sup>",
            "1. a\n\n  ",
        ] {
            let text = pattern.repeat(100_000 / pattern.len());
            let started = std::time::Instant::now();
            let parsed = parse(&text);
            outline(&parsed.markdown);
            // Linear work takes a fraction of a second; quadratic work on 100 kB takes minutes.
            assert!(started.elapsed().as_secs() < 20, "{pattern:?} took {:?}", started.elapsed());
        }
    }
}
