//! Detects the format of a document. The content decides; the source's extension is a hint where the content alone does
//! not (Markdown, tables and plain text look alike).

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use crate::charset;
use crate::error::ParseError;
use crate::formats::html::recognize::begins_as_html;
use crate::formats::{email, hwp, json, office};
use crate::zip_directory;

/// The format of a document; text formats carry the decoded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// CommonMark with tables and front matter.
    Markdown(String),
    /// HTML or XHTML.
    Html(String),
    /// Text without markup.
    PlainText(String),
    /// Comma- or tab-separated values.
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

/// Length of the beginning that is searched for signatures and for signs of binary data.
const HEAD_BYTES: usize = 8192;

/// Begins an OLE container: documents of Microsoft Office before 2007, of HWP 5, and others.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Begins a ZIP archive.
pub(crate) const ZIP: &[u8] = b"PK\x03\x04";

/// Detects the format of `bytes`, and decodes them if they are text.
///
/// # Errors
/// `Empty` for no bytes, `UnsupportedType` for other formats, `BadEncoding` for damaged text.
pub fn detect(bytes: &[u8], source: &str) -> Result<Content, ParseError> {
    if bytes.is_empty() {
        return Err(ParseError::Empty);
    }
    match binary_format(bytes)? {
        Some(Binary::Supported(content)) => Ok(content),
        Some(Binary::Unsupported(looks_like)) => {
            Err(ParseError::UnsupportedType { looks_like: looks_like.into() })
        }
        // Before decoding: the parts of a message have encodings of their own.
        None if email::is_email(head(bytes)) => Ok(Content::Email),
        None => Ok(text_format(charset::decode(bytes)?, source)),
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEAD_BYTES)]
}

enum Binary {
    Supported(Content),
    Unsupported(&'static str),
}

/// Detects binary formats by their signatures, and other binary data by its zeros and control characters.
///
/// # Errors
/// `TooCostly` for an archive whose directory is too large to be read.
fn binary_format(bytes: &[u8]) -> Result<Option<Binary>, ParseError> {
    let head = head(bytes);
    if head.starts_with(b"%PDF-") {
        return Ok(Some(Binary::Supported(Content::Pdf)));
    }
    if head.starts_with(OLE) {
        return Ok(Some(ole_format(bytes)));
    }
    if head.starts_with(ZIP) {
        return zip_format(bytes).map(Some);
    }
    Ok(unsupported_format(bytes, head).map(Binary::Unsupported))
}

/// Microsoft Office before 2007 and HWP 5 use the same container, and so do other programs.
fn ole_format(bytes: &[u8]) -> Binary {
    match () {
        () if hwp::is_hwp(bytes) => Binary::Supported(Content::Hwp),
        () if office::is_office(bytes) => Binary::Supported(Content::Office),
        () => Binary::Unsupported("a file of an old Windows program"),
    }
}

/// Newer office formats and EPUB are ZIP archives.
fn zip_format(bytes: &[u8]) -> Result<Binary, ParseError> {
    zip_directory::check_size(&mut Cursor::new(bytes))?;
    Ok(match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => {
            archived_format(&archive).map_or(Binary::Unsupported("a ZIP archive"), Binary::Supported)
        }
        Err(_) => Binary::Unsupported("a damaged archive"),
    })
}

/// Whether an archive is not a document itself.
pub(crate) fn holds_documents<R: Read + Seek>(archive: &ZipArchive<R>) -> bool {
    archived_format(archive).is_none()
}

/// The format whose documents are archives with such members.
fn archived_format<R: Read + Seek>(archive: &ZipArchive<R>) -> Option<Content> {
    // Only at the top level: a folder of documents may hold an unpacked office document.
    let holds =
        |path: &str| archive.file_names().any(|name| matches!(&name, Ok(name) if name.starts_with(path)));
    match () {
        () if holds("Contents/section") => Some(Content::Hwpx),
        () if holds("[Content_Types].xml") || holds("word/document") => Some(Content::Office),
        () if holds("META-INF/container.xml") => Some(Content::Epub),
        () if holds("content.xml") && holds("mimetype") => Some(Content::OpenDocument),
        () => None,
    }
}

fn unsupported_format(bytes: &[u8], head: &[u8]) -> Option<&'static str> {
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
    // Terminal colors (ESC), form feeds and backspaces occur in real text; these do not.
    let controls = head.iter().filter(|&&byte| matches!(byte, 1..=7 | 0xe..=0x1a | 0x1c..=0x1f)).count();
    (bytes.contains(&0) || controls * 20 > head.len()).then_some("binary data")
}

/// Signatures of binary formats that are not supported. No text begins with one.
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
        // Any other extension: a known text format, or a name that just has a dot in it.
        Some(_) => Content::PlainText(text),
        None if looks_like_markdown(&text) => Content::Markdown(text),
        None => Content::PlainText(text),
    }
}

/// The lower-case extension of the source's last part, without the query of a URL.
fn extension(source: &str) -> Option<String> {
    let path = if source.contains("://") { source.split(['?', '#']).next()? } else { source };
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let is_extension = !stem.is_empty()
        && (1..=8).contains(&extension.len())
        && extension.chars().all(|c| c.is_ascii_alphanumeric());
    is_extension.then(|| extension.to_ascii_lowercase())
}

/// For sources without an extension (a note sent over the API): a heading or a code fence makes it Markdown.
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
        match detect(bytes, "file.txt") {
            Err(ParseError::UnsupportedType { looks_like }) => looks_like.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_content_decides_and_the_name_helps() {
        assert!(matches!(detect(b"<!DOCTYPE HTML><p>x", "page.txt"), Ok(Content::Html(_))));
        assert!(matches!(detect(b"<?xml version='1.0'?>\n<!-- x -->\n<html>", "page"), Ok(Content::Html(_))));
        assert!(matches!(detect(b"<h1 align=center>daedap</h1>", "README.md"), Ok(Content::Markdown(_))));
        assert!(matches!(detect(b"<h1>daedap</h1>", "index.HTM"), Ok(Content::Html(_))));
        assert!(matches!(detect(b"# a comment", "settings.conf"), Ok(Content::PlainText(_))));
        assert!(matches!(detect("# 안내\n본문".as_bytes(), "note"), Ok(Content::Markdown(_))));
        assert!(matches!(detect(b"{\"a\": 1}\n{\"a\": 2}\n", "export.txt"), Ok(Content::Json(_))));
        assert!(matches!(detect("그냥 글".as_bytes(), "note"), Ok(Content::PlainText(_))));
        assert!(matches!(
            detect(b"<p>x</p>", "https://example.com/a/index.html?lang=ko.txt"),
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
        assert_eq!(detect(b"", "a.md").expect_err("empty").code(), "empty");
    }
}
