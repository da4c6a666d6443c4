//! The tables of the page on the formats: every format that is detected, and why a document is refused.

use std::path::PathBuf;

use locales::Locale;
use parse::{Content, ParseError, detect};
use tests::archive::archive;
use tests::environment::workspace_root;

use crate::Language;
use crate::page::{Part, cell, code};

/// A format as people know it.
struct Format {
    name: [&'static str; 2],
    endings: &'static [&'static str],
    /// A document of this format; of the others there are files among the parser's tests.
    text: Option<&'static str>,
}

/// Describes a format, and names the one after it on the page. A new one does not compile until it is added here.
fn format(content: &Content) -> (Format, Option<Content>) {
    let text = |name, endings, text| Format { name, endings, text: Some(text) };
    let binary = |name, endings| Format { name, endings, text: None };
    match content {
        Content::Markdown(_) => {
            let endings = &["md", "markdown", "mdown", "mkd", "mdx"];
            (text(["Markdown"; 2], endings, "# Leave"), Some(Content::Html(String::new())))
        }
        Content::Html(_) => {
            let endings = &["html", "htm", "xhtml"];
            (text(["HTML"; 2], endings, "<p>Leave</p>"), Some(Content::PlainText(String::new())))
        }
        Content::PlainText(_) => {
            (text(["Plain text", "일반 텍스트"], &["txt"], "Leave"), Some(Content::Table(String::new())))
        }
        Content::Table(_) => {
            (text(["CSV, TSV"; 2], &["csv", "tsv"], "name,days"), Some(Content::Json(String::new())))
        }
        Content::Json(_) => {
            let endings = &["json", "jsonl", "ndjson"];
            (text(["JSON, JSON Lines"; 2], endings, "{\"days\": 17}\n{\"days\": 18}\n"), Some(Content::Pdf))
        }
        Content::Pdf => (binary(["PDF"; 2], &["pdf"]), Some(Content::Office)),
        Content::Office => {
            let endings = &["docx", "doc", "xlsx", "xls", "pptx", "ppt"];
            (binary(["Word, Excel, PowerPoint"; 2], endings), Some(Content::OpenDocument))
        }
        Content::OpenDocument => (binary(["OpenDocument"; 2], &["odt", "ods", "odp"]), Some(Content::Hwp)),
        Content::Hwp => (binary(["HWP 5"; 2], &["hwp"]), Some(Content::Hwpx)),
        Content::Hwpx => (binary(["HWPX"; 2], &["hwpx"]), Some(Content::Epub)),
        Content::Epub => (binary(["EPUB"; 2], &["epub"]), Some(Content::Email)),
        Content::Email => {
            let message = "Message-ID: <1@example.com>\nSubject: Leave\n\n17 days\n";
            (text(["E-mail", "전자 메일"], &["eml"], message), None)
        }
    }
}

fn formats() -> Vec<(Format, Content)> {
    let mut formats = Vec::new();
    let mut next = Some(Content::Markdown(String::new()));
    while let Some(content) = next {
        let (described, after) = format(&content);
        formats.push((described, content));
        next = after;
    }
    formats
}

/// The formats, with a last column that is written by hand; and the errors.
pub(crate) fn parts(language: Language) -> Vec<Part> {
    let rows = formats().into_iter().map(|(format, _)| {
        let [english, korean] = format.name;
        let endings: Vec<String> = format.endings.iter().map(|ending| code(&format!(".{ending}"))).collect();
        vec![language.of(english, korean).to_owned(), endings.join(" ")]
    });
    let columns =
        language.of(["Format", "Files", "How it is parsed"], ["형식", "파일", "파싱 방식"]).to_vec();
    vec![Part { name: "formats".to_owned(), columns, rows: rows.collect() }, errors(language)]
}

fn errors(language: Language) -> Part {
    let locale = language.of(Locale::En, Locale::Ko);
    let errors = [
        ParseError::UnsupportedType { looks_like: "".into() },
        ParseError::BadEncoding { encoding: "".into(), offset: 0 },
        ParseError::Empty,
        ParseError::NoTextLayer,
        ParseError::Protected,
        ParseError::TooCostly { resource: "".into() },
        ParseError::Unavailable(String::new()),
        ParseError::Failed(String::new()),
    ];
    let rows = errors.iter().map(|error| {
        let key = format!("error-{}", error.code().replace('_', "-"));
        vec![code(error.code()), cell(&locales::text(locale, &key))]
    });
    let columns = language.of(["Code", "Message"], ["코드", "메시지"]).to_vec();
    Part { name: "errors".to_owned(), columns, rows: rows.collect() }
}

/// Fails if a document with one of the endings is detected as another format.
pub(crate) fn check_samples() {
    for (format, content) in formats() {
        for ending in format.endings {
            let Some(bytes) = sample(&format, ending) else { continue };
            let detected = detect(&bytes, &format!("sample.{ending}"));
            let is_same = detected
                .as_ref()
                .is_ok_and(|found| std::mem::discriminant(found) == std::mem::discriminant(&content));
            assert!(is_same, "{ending}: {detected:?}");
        }
    }
}

/// A document with this ending. The repository has none of `ppt` and `hwp`.
fn sample(format: &Format, ending: &str) -> Option<Vec<u8>> {
    if let Some(text) = format.text {
        return Some(text.as_bytes().to_vec());
    }
    match ending {
        "hwpx" => Some(archive(&[("Contents/section0.xml", "")])),
        "hwp" | "ppt" => None,
        _ => Some(std::fs::read(sample_file(ending)).expect("the sample can be read")),
    }
}

fn sample_file(ending: &str) -> PathBuf {
    let folder = workspace_root().join("parse/tests/formats");
    let files = std::fs::read_dir(&folder).expect("the samples can be listed");
    let mut paths = files.map(|file| file.expect("the samples can be listed").path());
    let is_sample = |path: &PathBuf| path.extension().is_some_and(|own| own == ending);
    paths.find(is_sample).unwrap_or_else(|| panic!("there is no sample of {ending}"))
}
