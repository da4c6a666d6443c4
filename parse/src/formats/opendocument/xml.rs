//! Reads texts and attributes of XML events.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// The text of an event. Only the entities of XML itself are resolved, never those that a document defines.
pub(crate) fn characters(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Text(text) => Some(text.xml_content(XmlVersion::Implicit1_0).into_owned()),
        Event::CData(text) => Some(text.as_ref().to_owned()),
        Event::GeneralRef(reference) => match reference.resolve_char_ref() {
            Ok(Some(character)) => Some(character.to_string()),
            _ => quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned),
        },
        _ => None,
    }
}

pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    element.try_get_attribute(name).ok().flatten().map(|attribute| attribute.value.into_owned())
}

pub(crate) fn number(element: &BytesStart<'_>, name: &str) -> Option<usize> {
    attribute(element, name)?.parse().ok()
}
