//! Bytes to media type and text. The content decides; the source's extension is a hint where the content
//! leaves the choice open (Markdown and plain text look alike).

use crate::{IngestError, charset};

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// CommonMark with tables and front matter.
    Markdown,
    /// HTML or XHTML.
    Html,
    /// Text without markup.
    PlainText,
}

/// Bytes from the beginning in which signatures and signs of binary data are looked for.
const HEAD_BYTES: usize = 8192;

/// Tells what `bytes` are, and decodes them.
///
/// # Errors
/// `Empty` for no bytes, `UnsupportedType` for binary formats, `BadEncoding` for damaged text.
pub(crate) fn sniff(bytes: &[u8], source: &str) -> Result<(MediaType, String), IngestError> {
    if bytes.is_empty() {
        return Err(IngestError::Empty);
    }
    if let Some(looks_like) = binary_format(bytes) {
        return Err(IngestError::UnsupportedType { looks_like });
    }
    let text = charset::decode(bytes)?;
    Ok((media_type(&text, source), text))
}

/// A known binary format by its signature, or binary data in general by its zeros and control characters.
fn binary_format(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    if let Some((_, looks_like)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some(looks_like);
    }
    if head.starts_with(b"PK\x03\x04") {
        return Some(zip_format(head));
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
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an HWP or an old Microsoft Office document"),
    (b"HWP Document File", "an HWP document"),
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

/// Office formats are ZIP archives; the names of the first members tell which.
fn zip_format(head: &[u8]) -> &'static str {
    let holds = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    match () {
        () if holds(b"application/hwp+zip") || holds(b"Contents/section0.xml") => "an HWPX document",
        () if holds(b"word/") => "a Word document",
        () if holds(b"xl/") => "an Excel workbook",
        () if holds(b"ppt/") => "a PowerPoint presentation",
        () if holds(b"application/epub+zip") => "an EPUB book",
        () if holds(b"application/vnd.oasis.opendocument") => "an OpenDocument file",
        () if holds(b"[Content_Types].xml") => "a Microsoft Office document",
        () => "a ZIP archive",
    }
}

fn media_type(text: &str, source: &str) -> MediaType {
    if begins_as_html(text) {
        return MediaType::Html;
    }
    match extension(source).as_deref() {
        Some("md" | "markdown" | "mdown" | "mkd" | "mdx") => MediaType::Markdown,
        Some("html" | "htm" | "xhtml") => MediaType::Html,
        // A name with a dot that says nothing else, or any known text format.
        Some(_) => MediaType::PlainText,
        None if looks_like_markdown(text) => MediaType::Markdown,
        None => MediaType::PlainText,
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

fn begins_as_html(text: &str) -> bool {
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

    fn kind(bytes: &[u8], source: &str) -> MediaType {
        sniff(bytes, source).expect("text").0
    }

    fn refused_as(bytes: &[u8]) -> &'static str {
        match sniff(bytes, "file.txt") {
            Err(IngestError::UnsupportedType { looks_like }) => looks_like,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_content_decides_and_the_name_helps() {
        assert_eq!(kind(b"<!DOCTYPE HTML><p>x", "page.txt"), MediaType::Html);
        assert_eq!(kind(b"<?xml version='1.0'?>\n<!-- x -->\n<html>", "page"), MediaType::Html);
        assert_eq!(kind(b"<h1 align=center>daedap</h1>", "README.md"), MediaType::Markdown);
        assert_eq!(kind(b"<h1>daedap</h1>", "index.HTM"), MediaType::Html);
        assert_eq!(kind(b"# a comment", "settings.conf"), MediaType::PlainText);
        assert_eq!(kind("# 안내\n본문".as_bytes(), "note"), MediaType::Markdown);
        assert_eq!(kind("그냥 글".as_bytes(), "note"), MediaType::PlainText);
        assert_eq!(kind(b"<p>x</p>", "https://example.com/a/index.html?lang=ko.txt"), MediaType::Html);
    }

    #[test]
    fn binary_formats_are_named() {
        assert_eq!(refused_as(b"%PDF-1.7\n"), "a PDF document");
        assert_eq!(refused_as(b"\x89PNG\r\n\x1a\n"), "a PNG image");
        assert_eq!(refused_as(b"PK\x03\x04\x14\0\0\0word/document.xml"), "a Word document");
        assert_eq!(refused_as(b"PK\x03\x04mimetypeapplication/hwp+zip"), "an HWPX document");
        assert_eq!(refused_as(b"some text\0and more\x01\x02"), "binary data");
        assert_eq!(refused_as(&[0; 300]), "binary data");
    }

    #[test]
    fn no_bytes_are_no_document() {
        assert_eq!(sniff(b"", "a.md").expect_err("empty").code(), "empty");
    }
}
