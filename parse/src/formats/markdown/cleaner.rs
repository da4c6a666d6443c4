//! Collects the edits that clean a Markdown source.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use crate::formats::markdown::edits::Edits;
use crate::formats::markdown::embedded_html::{self, InlineTag};

/// Maximum length of the marks that are repeated in front of each line of a block. Deeper quotes are not meant to be read,
/// and a short line in one would cost a hundred times its length.
const MAX_MARKS_BYTES: usize = 32;

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
pub(crate) struct Cleaner<'a> {
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
    pub(crate) fn new(source: &'a str) -> Self {
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

    /// Removes a range of the source.
    pub(crate) fn remove(&mut self, range: Range<usize>) {
        self.edits.remove(range);
    }

    /// The cleaned text, and the front matter.
    pub(crate) fn finish(self) -> (String, String) {
        (self.edits.apply(), self.front_matter)
    }

    /// Takes the parser's next event, which covers `range`.
    pub(crate) fn take(&mut self, event: Event<'_>, range: Range<usize>) {
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
        let marks: String =
            marks.take(MAX_MARKS_BYTES).map(|mark| if mark == '>' { '>' } else { ' ' }).collect();
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
