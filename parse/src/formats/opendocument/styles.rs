//! Reads the styles of an OpenDocument document.

use std::collections::{HashMap, HashSet};

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::error::ParseError;
use crate::formats::opendocument::xml::attribute;
use crate::formats::package::next;

/// The properties of styles that change what a reader sees.
#[derive(Default)]
pub(crate) struct Styles {
    /// Numbered list styles.
    pub(crate) numbered: HashSet<String>,
    /// Styles of hidden text.
    pub(crate) hidden: HashSet<String>,
    /// Heading levels of paragraph styles that look like headings.
    pub(crate) headings: HashMap<String, u8>,
}

impl Styles {
    /// Reads the styles of `content.xml`.
    ///
    /// # Errors
    /// `Failed` for a part that is not well-formed.
    pub(crate) fn read(content: &str) -> Result<Self, ParseError> {
        let mut reader = Reader::from_str(content);
        let mut styles = Self::default();
        let mut current = String::new();
        loop {
            let (Event::Start(element) | Event::Empty(element)) = (match next(&mut reader)? {
                Event::Eof => return Ok(styles),
                event => event,
            }) else {
                continue;
            };
            match element.name().as_ref() {
                "style:style" | "text:list-style" => {
                    current = attribute(&element, "style:name").unwrap_or_default();
                    let parent = attribute(&element, "style:parent-style-name");
                    if let Some(level) = parent.as_deref().and_then(heading_level) {
                        styles.headings.insert(current.clone(), level);
                    }
                }
                "text:list-level-style-number"
                    if attribute(&element, "text:level").as_deref() == Some("1") =>
                {
                    styles.numbered.insert(current.clone());
                }
                "style:text-properties" if attribute(&element, "text:display").as_deref() == Some("none") => {
                    styles.hidden.insert(current.clone());
                }
                // Styles come before the text.
                "office:body" => return Ok(styles),
                _ => {}
            }
        }
    }
}

/// The level of a built-in heading style.
pub(crate) fn heading_level(style: &str) -> Option<u8> {
    match style.strip_prefix("Heading_20_") {
        Some(level) => level.parse().ok().map(|level: u8| level.clamp(1, 6)),
        None => (style == "Title").then_some(1),
    }
}
