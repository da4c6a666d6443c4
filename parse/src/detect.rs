//! Bytes to what they are written in. The content decides; the source's extension is a hint where the content
//! leaves the choice open (Markdown, tables and plain text look alike).

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use crate::charset;
use crate::parse::{ParseError, email, hwp, json, office};

/// What a document is written in; formats of text come with their text, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// CommonMark with tables and front matter.
    Markdown(String),
    /// HTML or XHTML.
    Html(String),
    /// Text without markup.
    PlainText(String),
    /// Values with commas or tabs between them.
    Table(String),
    /// JSON, or JSON Lines.
    Json(String),
    /// PDF.
    Pdf,
    /// An Internet message (RFC 5322).
    Email,
    /// Microsoft Office, old or new.
    Office,
    /// An OpenDocument text, presentation or spreadsheet.
    OpenDocument,
    /// An EPUB book.
    Epub,
    /// HWP 5.
    Hwp,
    /// HWPX.
    Hwpx,
}

/// Bytes from the beginning in which signatures and signs of binary data are looked for.
const HEAD_BYTES: usize = 8192;

/// What old Windows programs and, as archives, new ones write their documents in.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
pub(crate) const ZIP: &[u8] = b"PK\x03\x04";

impl Content {
    /// Whether only this crate's own parsers read it.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Markdown(_) | Self::PlainText(_))
    }
}

/// Whether vendors' parsers are needed already to tell what `bytes` are.
pub(crate) fn is_container(bytes: &[u8]) -> bool {
    [OLE, ZIP].iter().any(|signature| bytes.starts_with(signature))
}

/// Tells what `bytes` are, and decodes them where they are text.
///
/// # Errors
/// `Empty` for no bytes, `UnsupportedType` for formats that cannot be read, `BadEncoding` for damaged text.
pub(crate) fn sniff(bytes: &[u8], source: &str) -> Result<Content, ParseError> {
    if bytes.is_empty() {
        return Err(ParseError::Empty);
    }
    match binary_format(bytes) {
        Some(Binary::Readable(content)) => Ok(content),
        Some(Binary::Foreign(looks_like)) => {
            Err(ParseError::UnsupportedType { looks_like: looks_like.into() })
        }
        // Its parts have encodings of their own.
        None if email::is_email(head(bytes)) => Ok(Content::Email),
        None => Ok(text_format(charset::decode(bytes)?, source)),
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEAD_BYTES)]
}

enum Binary {
    Readable(Content),
    Foreign(&'static str),
}

/// A known binary format by its signature, or binary data in general by its zeros and control characters.
fn binary_format(bytes: &[u8]) -> Option<Binary> {
    let head = head(bytes);
    if head.starts_with(b"%PDF-") {
        return Some(Binary::Readable(Content::Pdf));
    }
    if head.starts_with(OLE) {
        return Some(ole_format(bytes));
    }
    if head.starts_with(ZIP) {
        return Some(zip_format(bytes));
    }
    foreign_format(bytes, head).map(Binary::Foreign)
}

/// Old Microsoft Office documents and those of HWP lie in the same container, among others.
fn ole_format(bytes: &[u8]) -> Binary {
    match () {
        () if hwp::is_hwp(bytes) => Binary::Readable(Content::Hwp),
        () if office::is_office(bytes) => Binary::Readable(Content::Office),
        () => Binary::Foreign("a file of an old Windows program"),
    }
}

/// So do the new ones, in archives.
fn zip_format(bytes: &[u8]) -> Binary {
    match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => packed_format(&archive).map_or(Binary::Foreign("a ZIP archive"), Binary::Readable),
        Err(_) => Binary::Foreign("a damaged archive"),
    }
}

/// Whether an archive is no document itself.
pub(crate) fn holds_documents<R: Read + Seek>(archive: &ZipArchive<R>) -> bool {
    packed_format(archive).is_none()
}

/// The format whose documents are such archives; the names of the members tell which.
fn packed_format<R: Read + Seek>(archive: &ZipArchive<R>) -> Option<Content> {
    let holds = |beginning: &str| {
        archive.file_names().any(|name| matches!(&name, Ok(name) if name.starts_with(beginning)))
    };
    // What is in folders of these names in an archive of documents is no format's.
    match () {
        () if holds("Contents/section") => Some(Content::Hwpx),
        () if holds("[Content_Types].xml") || holds("word/document") => Some(Content::Office),
        () if holds("META-INF/container.xml") => Some(Content::Epub),
        () if holds("content.xml") && holds("mimetype") => Some(Content::OpenDocument),
        () => None,
    }
}

fn foreign_format(bytes: &[u8], head: &[u8]) -> Option<&'static str> {
    if let Some((_, looks_like)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some(looks_like);
    }
    match head {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return Some("a WebP image"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W' | b'A', b'A' | b'V', b'V' | b'I', ..] => {
            return Some("a sound or video file");
        }
        [0, _, _, _, b'f', b't', b'y', b'p', ..] => return Some("a sound or video file"),
        _ => {}
    }
    if charset::is_utf16(bytes) {
        return None;
    }
    // Terminal colours (ESC), form feeds and backspaces occur in real text; these do not.
    let controls = head.iter().filter(|&&byte| matches!(byte, 1..=7 | 0xe..=0x1a | 0x1c..=0x1f)).count();
    (bytes.contains(&0) || controls * 20 > head.len()).then_some("binary data")
}

/// Signatures that no text begins with.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"HWP Document File", "an HWP document older than HWP 5"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ID3\x03\0", "a sound or video file"),
    (b"ID3\x04\0", "a sound or video file"),
    (b"OggS\0", "a sound or video file"),
    (b"fLaC\0", "a sound or video file"),
    (b"\x1aE\xdf\xa3", "a sound or video file"),
    (b"wOFF\0", "a font"),
    (b"wOF2\0", "a font"),
    (b"\0\x01\0\0\0", "a font"),
    (b"OTTO\0", "a font"),
    (b"GGUF\x03\0", "a language model"),
];

fn text_format(text: String, source: &str) -> Content {
    if begins_as_html(&text) {
        return Content::Html(text);
    }
    if json::is_json(&text) {
        return Content::Json(text);
    }
    match extension(source).as_deref() {
        Some("md" | "markdown" | "mdown" | "mkd" | "mdx") => Content::Markdown(text),
        Some("html" | "htm" | "xhtml") => Content::Html(text),
        Some("csv" | "tsv") => Content::Table(text),
        // A name with a dot that says nothing else, or any known text format.
        Some(_) => Content::PlainText(text),
        None if looks_like_markdown(&text) => Content::Markdown(text),
        None => Content::PlainText(text),
    }
}

/// The lower-case extension of the source's last part. A URL's query is no part of it.
fn extension(source: &str) -> Option<String> {
    let path = if source.contains("://") { source.split(['?', '#']).next()? } else { source };
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let is_extension = !stem.is_empty()
        && (1..=8).contains(&extension.len())
        && extension.chars().all(|c| c.is_ascii_alphanumeric());
    is_extension.then(|| extension.to_ascii_lowercase())
}

pub(crate) fn begins_as_html(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        // Declarations and comments may come first.
        let skipped = match rest {
            _ if rest.starts_with("<?xml") => rest.split_once("?>"),
            _ if rest.starts_with("<!--") => rest.split_once("-->"),
            _ => None,
        };
        let Some((_, after)) = skipped else { break };
        rest = after.trim_start();
    }
    ["<!doctype html", "<html", "<head>", "<body"]
        .iter()
        .any(|opening| rest.get(..opening.len()).is_some_and(|start| start.eq_ignore_ascii_case(opening)))
}

/// For sources without an extension (a note given over the API): a heading or a code fence tells Markdown.
fn looks_like_markdown(text: &str) -> bool {
    text.lines().take(200).any(|line| {
        let after_hashes = line.trim_start_matches('#');
        let level = line.len() - after_hashes.len();
        ((1..=6).contains(&level) && after_hashes.starts_with(' ')) || line.starts_with("```")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_as(bytes: &[u8]) -> String {
        match sniff(bytes, "file.txt") {
            Err(ParseError::UnsupportedType { looks_like }) => looks_like.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_content_decides_and_the_name_helps() {
        assert!(matches!(sniff(b"<!DOCTYPE HTML><p>x", "page.txt"), Ok(Content::Html(_))));
        assert!(matches!(sniff(b"<?xml version='1.0'?>\n<!-- x -->\n<html>", "page"), Ok(Content::Html(_))));
        assert!(matches!(sniff(b"<h1 align=center>daedap</h1>", "README.md"), Ok(Content::Markdown(_))));
        assert!(matches!(sniff(b"<h1>daedap</h1>", "index.HTM"), Ok(Content::Html(_))));
        assert!(matches!(sniff(b"# a comment", "settings.conf"), Ok(Content::PlainText(_))));
        assert!(matches!(sniff("# 안내\n본문".as_bytes(), "note"), Ok(Content::Markdown(_))));
        assert!(matches!(sniff(b"{\"a\": 1}\n{\"a\": 2}\n", "export.txt"), Ok(Content::Json(_))));
        assert!(matches!(sniff("그냥 글".as_bytes(), "note"), Ok(Content::PlainText(_))));
        assert!(matches!(
            sniff(b"<p>x</p>", "https://example.com/a/index.html?lang=ko.txt"),
            Ok(Content::Html(_))
        ));
    }

    #[test]
    fn binary_formats_are_named() {
        assert_eq!(refused_as(b"\x89PNG\r\n\x1a\n"), "a PNG image");
        assert_eq!(refused_as(b"PK\x03\x04\x14\0\0\0word/document.xml"), "a damaged archive");
        assert_eq!(refused_as(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "a file of an old Windows program");
        assert_eq!(refused_as(b"some text\0and more\x01\x02"), "binary data");
        assert_eq!(refused_as(&[0; 300]), "binary data");
    }

    #[test]
    fn no_bytes_are_no_document() {
        assert_eq!(sniff(b"", "a.md").expect_err("empty").code(), "empty");
    }
}
