//! Flattens HWPX documents so that unhwp reads all of their text.
//!
//! unhwp 0.23 takes the first end of a run for the end of the run it is in. A text box, a caption or a note is inside a run
//! and has paragraphs and runs of its own, so the rest of the outer run would be lost. [`flatten`] moves such paragraphs
//! behind the one around them. It also removes what readers of the document do not see (deleted text, comments), page
//! headers and footers, and pictures. Equations keep their source, and words with a reading above them keep the word.

use std::io::{Cursor, Write};

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use zip::CompressionMethod::Stored;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::ParseError;
use crate::formats::package::{self, next, part};

/// Elements inside a run that have paragraphs of their own.
const BOXES: &[&str] = &["caption", "drawText", "endNote", "footNote"];

/// Maximum depth of boxes inside boxes, far above that of real documents.
const MAX_NESTED_BOXES: usize = 32;

/// Elements whose content is left out.
const OMITTED: &[&str] = &["footer", "header", "hiddenComment", "img"];

/// Elements that hold text and that unhwp does not know as such.
const TEXTS: &[&str] = &["mainText", "script"];

/// Elements inside a text that separate words.
const SPACES: &[&str] = &["fwSpace", "lineBreak", "nbSpace"];

/// Folders of a package without text.
const WITHOUT_TEXT: &[&str] = &["BinData/", "Preview/"];

/// Rewrites the document without paragraphs inside runs.
///
/// # Errors
/// `Protected`, `TooCostly`, `Failed`.
pub(crate) fn flatten(bytes: &[u8]) -> Result<Vec<u8>, ParseError> {
    let mut package = package::open(bytes)?;
    let mut flattened = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(Stored);
    for index in 0..package.len() {
        let member = package.by_index_raw(index).map_err(|error| ParseError::failed(&error))?;
        let name = member.name().map_err(|error| ParseError::failed(&error))?.into_owned();
        if WITHOUT_TEXT.iter().any(|folder| name.starts_with(folder)) {
            continue;
        }
        if !is_section(&name) {
            flattened.raw_copy_file(member).map_err(|error| ParseError::failed(&error))?;
            continue;
        }
        drop(member);
        let xml = part(&mut package, &name)?.unwrap_or_default();
        flattened.start_file(name, options).map_err(|error| ParseError::failed(&error))?;
        flattened.write_all(&flatten_section(&xml)?).map_err(|error| ParseError::failed(&error))?;
    }
    Ok(flattened.finish().map_err(|error| ParseError::failed(&error))?.into_inner())
}

fn is_section(name: &str) -> bool {
    name.starts_with("Contents/section") && name.ends_with(".xml")
}

fn flatten_section(xml: &str) -> Result<Vec<u8>, ParseError> {
    let mut reader = Reader::from_str(xml);
    let mut section = Section::default();
    let mut omitted_depth = 0_usize;
    loop {
        let event = next(&mut reader)?;
        match &event {
            Event::Eof => return Ok(section.finish()),
            Event::Start(start) if omitted_depth > 0 || OMITTED.contains(&start.local_name().as_ref()) => {
                omitted_depth += 1;
            }
            Event::End(_) if omitted_depth > 0 => omitted_depth -= 1,
            _ if omitted_depth > 0 => {}
            _ => section.take(&event)?,
        }
    }
}

/// A section being rewritten.
#[derive(Default)]
struct Section {
    /// The current output: the section itself, or the innermost open box.
    flow: Flow,
    /// The outputs around `flow`, outermost first.
    around: Vec<Flow>,
    is_deleted: bool,
}

impl Section {
    fn take(&mut self, event: &Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(start) => self.start(start.local_name().as_ref(), event),
            Event::End(end) => self.end(end.local_name().as_ref(), event),
            Event::Empty(element) => self.empty(element.local_name().as_ref(), event),
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if self.is_deleted => Ok(()),
            _ => self.flow.write(event.borrow()),
        }
    }

    fn start(&mut self, name: &str, event: &Event<'_>) -> Result<(), ParseError> {
        match name {
            _ if BOXES.contains(&name) => self.open_box(),
            _ if TEXTS.contains(&name) => self.flow.write(Event::Start(BytesStart::new("hp:t"))),
            "p" => {
                self.flow.open_paragraphs.push(Vec::new());
                self.flow.write(event.borrow())
            }
            _ => self.flow.write(event.borrow()),
        }
    }

    fn end(&mut self, name: &str, event: &Event<'_>) -> Result<(), ParseError> {
        match name {
            _ if BOXES.contains(&name) => self.close_box(),
            _ if TEXTS.contains(&name) => self.flow.write(Event::End(BytesEnd::new("hp:t")))?,
            "p" => {
                self.flow.write(event.borrow())?;
                let after = self.flow.open_paragraphs.pop().unwrap_or_default();
                self.flow.xml.extend(after);
            }
            _ => self.flow.write(event.borrow())?,
        }
        Ok(())
    }

    fn empty(&mut self, name: &str, event: &Event<'_>) -> Result<(), ParseError> {
        match name {
            "deleteBegin" => self.is_deleted = true,
            "deleteEnd" => self.is_deleted = false,
            _ if SPACES.contains(&name) => self.flow.write(Event::Text(BytesText::from_escaped(" ")))?,
            _ if BOXES.contains(&name) || OMITTED.contains(&name) => {}
            _ => self.flow.write(event.borrow())?,
        }
        Ok(())
    }

    fn open_box(&mut self) -> Result<(), ParseError> {
        if self.around.len() == MAX_NESTED_BOXES {
            return Err(ParseError::Failed("its text boxes are nested too deeply".to_owned()));
        }
        let in_box = Flow { is_box: true, ..Flow::default() };
        self.around.push(std::mem::replace(&mut self.flow, in_box));
        Ok(())
    }

    fn close_box(&mut self) {
        let Some(around) = self.around.pop() else { return };
        let within = std::mem::replace(&mut self.flow, around);
        match self.flow.open_paragraphs.last_mut() {
            Some(after) => after.extend(within.xml),
            None => self.flow.xml.extend(within.xml),
        }
    }

    fn finish(mut self) -> Vec<u8> {
        while !self.around.is_empty() {
            self.close_box();
        }
        self.flow.xml
    }
}

/// The rewritten XML of a section or of a box.
#[derive(Default)]
struct Flow {
    xml: Vec<u8>,
    /// Only the paragraphs of a box are written.
    is_box: bool,
    /// What is written behind each open paragraph when it ends, outermost first.
    open_paragraphs: Vec<Vec<u8>>,
}

impl Flow {
    fn write(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        if self.is_box && self.open_paragraphs.is_empty() {
            return Ok(());
        }
        Writer::new(&mut self.xml).write_event(event).map_err(|error| ParseError::failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flattened(paragraph: &str) -> String {
        String::from_utf8(flatten_section(paragraph).expect("well-formed")).expect("UTF-8")
    }

    #[test]
    fn paragraphs_of_boxes_and_notes_come_after_the_one_around_them() {
        assert_eq!(
            flattened(
                "<s><p><run><rect><drawText><subList><p><run><t>상자</t></run></p></subList></drawText><sz/></rect>\
                 <t>본문</t><ctrl><footNote><subList><p><run><t>각주</t></run></p></subList></footNote></ctrl><t>끝</t></run></p></s>",
            ),
            "<s><p><run><rect><sz/></rect><t>본문</t><ctrl></ctrl><t>끝</t></run></p>\
             <p><run><t>상자</t></run></p><p><run><t>각주</t></run></p></s>"
        );
    }

    #[test]
    fn a_box_in_a_cell_stays_in_its_cell_and_a_box_in_a_box_follows_it() {
        assert_eq!(
            flattened(
                "<p><run><tbl><tc><subList><p><run><drawText><p><run><drawText><p>가</p></drawText><t>나</t></run></p></drawText>\
                 <t>다</t></run></p></subList></tc></tbl></run></p>",
            ),
            "<p><run><tbl><tc><subList><p><run><t>다</t></run></p><p><run><t>나</t></run></p><p>가</p></subList></tc></tbl></run></p>"
        );
    }

    #[test]
    fn what_nobody_sees_is_left_out_and_what_holds_words_stays() {
        assert_eq!(
            flattened(
                "<p><run><ctrl><header><subList><p><run><t>머리말</t></run></p></subList></header></ctrl>\
                 <ctrl><hiddenComment><subList><p><run><t>메모</t></run></p></subList></hiddenComment></ctrl>\
                 <t>첫째<lineBreak/>둘째<deleteBegin/> 지운 글&amp;<deleteEnd/></t>\
                 <dutmal><mainText>大韓</mainText></dutmal><equation><script>1 over 2</script></equation><pic><img/></pic></run></p>",
            ),
            "<p><run><ctrl></ctrl><ctrl></ctrl><t>첫째 둘째</t>\
             <dutmal><hp:t>大韓</hp:t></dutmal><equation><hp:t>1 over 2</hp:t></equation><pic></pic></run></p>"
        );
    }

    #[test]
    fn boxes_without_end_and_boxes_without_number() {
        assert_eq!(flattened("<p><run><drawText><p><t>가"), "<p><run>");
        let nested = "<p><drawText>".repeat(MAX_NESTED_BOXES + 1);
        assert!(matches!(flatten_section(&nested), Err(ParseError::Failed(_))));
    }
}
