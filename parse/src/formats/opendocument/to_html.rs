//! Translates the content of an OpenDocument document to HTML.
//!
//! Elements are matched by the namespace prefixes of the standard, which every office program writes.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::error::ParseError;
use crate::formats::opendocument::styles::{Styles, heading_level};
use crate::formats::opendocument::xml::{attribute, characters, number};
use crate::formats::package::next;

/// Maximum number of spaces that one element can expand to.
const MAX_SPACES: usize = 100;

/// Elements whose content is left out.
const OMITTED: &[&str] = &[
    "text:tracked-changes",
    "text:table-of-content",
    "text:note-citation",
    "text:hidden-text",
    "text:hidden-paragraph",
    "text:page-number",
    "office:annotation",
    "office:forms",
    "presentation:notes",
    "svg:title",
    "svg:desc",
];

/// Classes of frames that are repeated on every slide.
const REPEATED_FRAMES: &[&str] = &["header", "footer", "date-time", "page-number"];

/// Translates `content.xml` to HTML: what comes before the first slide, then slide by slide.
///
/// # Errors
/// `Failed` for a part that is not well-formed.
pub(crate) fn translate(content: &str) -> Result<Vec<String>, ParseError> {
    let styles = Styles::read(content)?;
    let mut reader = Reader::from_str(content);
    let mut page = Translation::new(&styles);
    let mut omitted_depth = 0_usize;
    loop {
        match next(&mut reader)? {
            Event::Eof => return Ok(page.pages),
            Event::Start(start) if omitted_depth > 0 || page.is_omitted(&start) => {
                drop(start);
                omitted_depth += 1;
            }
            Event::End(_) if omitted_depth > 0 => omitted_depth -= 1,
            _ if omitted_depth > 0 => {}
            Event::Start(start) => page.open(&start),
            Event::Empty(start) if page.is_omitted(&start) => {}
            Event::Empty(start) => {
                page.open(&start);
                page.close(start.name().as_ref());
            }
            Event::End(end) => page.close(end.name().as_ref()),
            event => page.text(&characters(&event).unwrap_or_default()),
        }
    }
}

/// Writes the HTML.
struct Translation<'a> {
    styles: &'a Styles,
    pages: Vec<String>,
    /// For each open list, whether it is numbered.
    lists: Vec<bool>,
    /// Level of the open heading.
    heading: Option<u8>,
    /// Depth of open notes, whose paragraphs are inside a paragraph of the text.
    notes: usize,
    /// Whether the open frame holds a slide's title.
    in_title: bool,
}

impl<'a> Translation<'a> {
    fn new(styles: &'a Styles) -> Self {
        Self {
            styles,
            pages: vec![String::new()],
            lists: Vec::new(),
            heading: None,
            notes: 0,
            in_title: false,
        }
    }

    fn push(&mut self, html: &str) {
        if let Some(page) = self.pages.last_mut() {
            page.push_str(html);
        }
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.push("&amp;"),
                '<' => self.push("&lt;"),
                '>' => self.push("&gt;"),
                other => self.push(other.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn is_omitted(&self, element: &BytesStart<'_>) -> bool {
        let name = element.name();
        let is = |key, values: &[&str]| {
            attribute(element, key).is_some_and(|value| values.contains(&value.as_str()))
        };
        let is_hidden =
            |key| attribute(element, key).is_some_and(|style| self.styles.hidden.contains(&style));
        OMITTED.contains(&name.as_ref())
            || is("text:display", &["none"])
            || is("table:visibility", &["collapse", "filter"])
            || is("presentation:class", REPEATED_FRAMES)
            || is_hidden("text:style-name")
    }

    fn open(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "draw:page" => self.pages.push(String::new()),
            "draw:frame" => {
                let class = attribute(element, "presentation:class");
                self.in_title = class.is_some_and(|class| class == "title");
            }
            "text:h" => {
                let level = number(element, "text:outline-level").unwrap_or(1).clamp(1, 6) as u8;
                self.begin_heading(level);
            }
            "text:p" => self.open_paragraph(element),
            "text:list" => self.open_list(element),
            "text:list-item" | "text:list-header" => self.push("<li>"),
            "text:line-break" => self.push("<br>"),
            "text:tab" => self.push(" "),
            "text:s" => {
                let spaces = number(element, "text:c").unwrap_or(1).min(MAX_SPACES);
                self.push(&" ".repeat(spaces));
            }
            "text:note-body" => {
                self.notes += 1;
                self.push(" (");
            }
            "table:table" => self.push("<table>"),
            "table:table-row" => self.push("<tr>"),
            "table:table-cell" => self.push("<td>"),
            "table:covered-table-cell" => self.push("<td></td>"),
            _ => {}
        }
    }

    fn open_paragraph(&mut self, paragraph: &BytesStart<'_>) {
        if self.notes > 0 {
            return self.push(" ");
        }
        match self.level_of(paragraph) {
            Some(level) => self.begin_heading(level),
            None => self.push("<p>"),
        }
    }

    fn open_list(&mut self, list: &BytesStart<'_>) {
        let inherited = self.lists.last().copied().unwrap_or_default();
        let is_numbered = attribute(list, "text:style-name")
            .map_or(inherited, |style| self.styles.numbered.contains(&style));
        self.lists.push(is_numbered);
        self.push(if is_numbered { "<ol>" } else { "<ul>" });
    }

    fn close(&mut self, name: &str) {
        match name {
            "draw:frame" => self.in_title = false,
            "text:h" => self.end_heading(),
            "text:p" if self.heading.is_some() => self.end_heading(),
            "text:p" if self.notes > 0 => {}
            "text:p" => self.push("</p>"),
            "text:list" => {
                let was_numbered = self.lists.pop().unwrap_or_default();
                self.push(if was_numbered { "</ol>" } else { "</ul>" });
            }
            "text:list-item" | "text:list-header" => self.push("</li>"),
            "text:note-body" => {
                self.notes = self.notes.saturating_sub(1);
                self.push(")");
            }
            "table:table" => self.push("</table>"),
            "table:table-row" => self.push("</tr>"),
            "table:table-cell" => self.push("</td>"),
            _ => {}
        }
    }

    /// The heading level of a paragraph that looks like a heading.
    fn level_of(&self, paragraph: &BytesStart<'_>) -> Option<u8> {
        let style = attribute(paragraph, "text:style-name");
        let level =
            || style.and_then(|style| self.styles.headings.get(&style).copied().or(heading_level(&style)));
        if self.in_title { Some(2) } else { level() }
    }

    fn begin_heading(&mut self, level: u8) {
        self.heading = Some(level);
        // Writing to a String does not fail.
        if let Some(page) = self.pages.last_mut() {
            let _ = write!(page, "<h{level}>");
        }
    }

    fn end_heading(&mut self) {
        if let (Some(level), Some(page)) = (self.heading.take(), self.pages.last_mut()) {
            let _ = write!(page, "</h{level}>");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pages(body: &str) -> Vec<String> {
        translate(&format!(
            "<office:document-content><office:automatic-styles>\
             <text:list-style style:name='L1'><text:list-level-style-number text:level='1'/></text:list-style>\
             <style:style style:name='P1' style:parent-style-name='Heading_20_1'/><style:style style:name='H'><style:text-properties text:display='none'/></style:style>\
             </office:automatic-styles><office:body>{body}</office:body></office:document-content>"
        ))
        .expect("well-formed")
    }

    #[test]
    fn headings_lists_and_notes_are_said_in_html() {
        let page = pages(
            "<text:p text:style-name='P1'>규정</text:p><text:h text:outline-level='2'>휴가 &amp; 병가</text:h>\
             <text:list text:style-name='L1'><text:list-item><text:p>하나<text:s text:c='2'/>둘</text:p></text:list-item></text:list>\
             <text:p>본문<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>각주</text:p></text:note-body></text:note></text:p>",
        );
        assert_eq!(
            page,
            ["<h1>규정</h1><h2>휴가 &amp; 병가</h2><ol><li><p>하나  둘</p></li></ol><p>본문 ( 각주)</p>"]
        );
    }

    #[test]
    fn what_nobody_sees_is_left_out() {
        let page = pages(
            "<text:tracked-changes><text:deletion><text:p>지운 글</text:p></text:deletion></text:tracked-changes>\
             <text:p>보이는 글<text:span text:style-name='H'>숨은 글</text:span><office:annotation><text:p>메모</text:p></office:annotation></text:p>\
             <text:p text:style-name='H'/><table:table><table:table-row table:visibility='collapse'><table:table-cell/></table:table-row></table:table>",
        );
        assert_eq!(page, ["<p>보이는 글</p><table></table>"]);
    }

    #[test]
    fn entities_of_the_document_s_own_say_nothing() {
        let xml = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><text:p>a&a;b&lt;&#44032;</text:p>";
        assert_eq!(translate(xml).expect("well-formed"), ["<p>ab&lt;가</p>"]);
    }

    #[test]
    fn a_number_out_of_bounds_costs_nothing() {
        let page = pages(
            "<text:h text:outline-level='99999999999'>x</text:h><text:p><text:s text:c='4000000000'/></text:p>",
        );
        assert!(page[0].len() < 200, "{page:?}");
    }

    proptest! {
        #[test]
        fn any_content_is_html_or_an_error(
            elements in prop::collection::vec(
                prop::sample::select(vec![
                    "<text:p>", "</text:p>", "<text:h text:outline-level='9'>", "</text:h>", "<text:list>",
                    "</text:list>", "<text:list-item>", "</text:list-item>", "<draw:page>", "</draw:page>",
                    "<draw:frame presentation:class='title'>", "</draw:frame>", "<text:note-body>",
                    "</text:note-body>", "<table:table>", "</table:table>", "<office:annotation>",
                    "</office:annotation>", "<text:s text:c='-1'/>", "가", "&lt;", "&x;", "<![CDATA[<b>]]>", "<", "&",
                ]),
                0..40,
            ),
        ) {
            if let Ok(pages) = translate(&elements.concat()) {
                prop_assert!(!pages.is_empty());
                prop_assert!(pages.iter().all(|page| !page.contains("<b>")), "{:?}", pages);
            }
        }
    }
}
