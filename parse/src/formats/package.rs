//! Opens documents that are ZIP archives of XML parts.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::ParseError;

/// Maximum size of a part, in bytes: far more than any book has, and small enough to be in memory twice.
const MAX_PART_BYTES: u64 = 128 * 1024 * 1024;

pub(crate) type Package<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Opens a package.
///
/// # Errors
/// `Protected` if parts are encrypted, `Failed`.
pub(crate) fn open(bytes: &[u8]) -> Result<Package<'_>, ParseError> {
    let mut package = ZipArchive::new(Cursor::new(bytes)).map_err(|error| ParseError::failed(&error))?;
    if part(&mut package, "META-INF/manifest.xml")?.is_some_and(|list| list.contains("encryption-data")) {
        return Err(ParseError::Protected);
    }
    Ok(package)
}

/// Reads a part as text; `None` if there is no such part.
///
/// # Errors
/// `TooCostly` for a part of more than 128 MiB, `Failed`.
pub(crate) fn part(package: &mut Package<'_>, name: &str) -> Result<Option<String>, ParseError> {
    let mut member = match package.by_name(name) {
        Ok(member) => member,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(ParseError::failed(&error)),
    };
    let mut bytes = Vec::new();
    member
        .by_ref()
        .take(MAX_PART_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ParseError::failed(&error))?;
    if bytes.len() as u64 > MAX_PART_BYTES {
        return Err(ParseError::TooCostly { resource: "memory".into() });
    }
    let text =
        String::from_utf8(bytes).map_err(|_| ParseError::Failed(format!("`{name}` is not in UTF-8")))?;
    Ok(Some(text))
}

/// Reads the next event of a part.
///
/// # Errors
/// `Failed` for a part that is not well-formed.
pub(crate) fn next<'a>(reader: &mut Reader<&'a [u8]>) -> Result<Event<'a>, ParseError> {
    reader.read_event().map_err(|error| ParseError::failed(&error))
}
