//! What a document costs, at one size and at four times that: nothing may cost sixteen times as much.
//!
//! Measured is the processor's time of the thread, the least of a few runs, so that other work on the machine counts little.

use std::time::Duration;

use parse::{outline, parse};
use rustix::time::{ClockId, clock_gettime};

use crate::zip_archive::archive;

/// The smaller size, in bytes. Quadratic work on four times as much takes seconds.
const BYTES: usize = 60_000;

/// Four times the document may cost at most this many times as much.
const MAX_RATIO: u32 = 8;

/// Costs below this say more of the machine than of the document.
const NOISE: Duration = Duration::from_millis(40);

/// How often a cost is measured before it counts.
const RUNS: usize = 4;

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// The time to parse and divide a document, whatever comes of it.
fn cost(bytes: &[u8], name: &str) -> Duration {
    let begun = processor_time();
    if let Ok(parsed) = parse(bytes, name) {
        outline(&parsed.markdown);
    }
    processor_time() - begun
}

/// Fails if `document`, which makes a document of about as many bytes as it is told, costs more than its size explains.
fn assert_linear(what: &str, name: &str, document: impl Fn(usize) -> Vec<u8>) {
    let (small, large) = (document(BYTES), document(4 * BYTES));
    let (mut of_small, mut of_large) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        of_large = of_large.min(cost(&large, name));
        of_small = of_small.min(cost(&small, name));
        if of_large <= of_small * MAX_RATIO + NOISE {
            return;
        }
    }
    panic!("{what}: {of_small:?} for {} bytes, {of_large:?} for {}", small.len(), large.len());
}

/// The pattern, as often as it fits, behind `beginning`.
fn repeated(beginning: &str, pattern: &str, bytes: usize) -> Vec<u8> {
    (beginning.to_owned() + &pattern.repeat(bytes / pattern.len())).into_bytes()
}

/// As [`repeated`], with the number of each repetition in the place of `#`.
fn numbered(beginning: &str, pattern: &str, bytes: usize) -> Vec<u8> {
    let patterns = (0..bytes / (pattern.len() + 4)).map(|number| pattern.replace('#', &number.to_string()));
    (beginning.to_owned() + &patterns.collect::<String>()).into_bytes()
}

#[test]
fn markdown() {
    for pattern in [
        "[",
        "> ",
        "- ",
        "*a_ ",
        "**a",
        "![",
        "`a",
        "``a`",
        "~~a",
        "<b>",
        "<div>\n",
        "[a](b",
        "[a](b)\n",
        "![a](b)",
        "# a\n",
        "|a",
        "| a | b |\n",
        "<sup>",
        "1. a\n\n  ",
        "- a\n",
        "[a]: b\n",
        "[a][b] ",
        "[^1]: a\n",
        "[^1] ",
        "&amp;",
        "\\[",
        "<!-- ",
        "<!-- a -->\n\n",
        "<?",
        "<a href=",
        "{{#a}}\n",
        "a\n===\n",
        "```\n",
        "a  \n",
        "\t",
        "<https://a.b>",
        "> a\n\n",
        "<details>\n",
        "<Tab a='b'>\n\n",
        "<img alt='a'>",
    ] {
        assert_linear(pattern, "a.md", |bytes| repeated("# t\n\n", pattern, bytes));
    }
    for beginning in ["|a|b|\n|-|-|\n", "<div>", "> <div>", "- - - <div>", "---\ntitle: a\n"] {
        for pattern in ["<span></x>", "<rt>", "<optgroup>", "<p>a", "|a|\n", "<td>", "a: b\n", "</p>"] {
            let what = format!("{beginning}{pattern}");
            assert_linear(&what, "a.md", |bytes| repeated(beginning, pattern, bytes));
        }
    }
    let quoted = "> ".repeat(500) + "<div>";
    assert_linear("a block in deep quotes", "a.md", |bytes| repeated(&quoted, "<p>a", bytes));
    assert_linear("links by name", "a.md", |bytes| numbered("", "[a#]: b\n[a#]\n", bytes));
    assert_linear("notes", "a.md", |bytes| numbered("", "[^a#]\n\n[^a#]: b\n", bytes));
    assert_linear("headings", "a.md", |bytes| numbered("", "###### a#\n\nb\n\n", bytes));
}

#[test]
fn html() {
    for pattern in [
        "<span></x>",
        "<rt>",
        "<rb><rt>a",
        "<optgroup>",
        "<option>a",
        "<div>",
        "<div>a</div>",
        "<p>a",
        "<p>a</p>",
        "<li>a",
        "<h1>a",
        "<b>",
        "<b><p>",
        "<a><p>",
        "<i></p>",
        "<table>",
        "<table><b>",
        "<tr><td>a",
        "<td>a",
        "<table><tr><td>a",
        "<form>",
        "<ul><li>a",
        "<header>",
        "<header><h1>a</h1></header>",
        "<nav>a</nav>",
        "<img alt=a>",
        "<style>",
        "<script>a<b",
        "<!--",
        "<!-- a -->",
        "<svg><path/>",
        "<svg>",
        "<math>",
        "<template>",
        "<select>",
        "<button>",
        "<textarea>",
        "<title>",
        "<a href=b>a</a>",
        "<br>",
        "<hr>",
        "&lt;",
        "&",
        "<",
        "</",
        "</p>",
        "a ",
        "<frameset>",
        "<p style='display:none'>a",
        "<div hidden>",
        "<blockquote>a",
        "<pre>a",
        "<code>a</code>",
        "<dl><dt>a<dd>b",
        "<font>",
    ] {
        assert_linear(pattern, "a.html", |bytes| repeated("<!doctype html><body>", pattern, bytes));
    }
    for (beginning, pattern) in [
        ("<body>", "<b id=#>"),
        ("<body>", "<p><font color=#>a</p>"),
        ("<body>", "<a href=#>a"),
        ("<body><a ", "a# "),
        ("<body></a ", "a#/"),
        ("<body><main>", "<p id=#>a"),
        ("<html ", "a#=b><html "),
    ] {
        let what = format!("{beginning}{pattern}");
        assert_linear(&what, "a.html", |bytes| numbered(beginning, pattern, bytes));
    }
    let fonts: String = (0..400).map(|number| format!("<font color={number}>")).collect();
    let fonts = format!("<body><p>{fonts}</p>");
    assert_linear("formatting that is opened anew", "a.html", |bytes| repeated(&fonts, "<p>x</p>", bytes));
}

#[test]
fn text_tables_and_json() {
    for pattern in ["a\n===\n", "#", "# a\n", " ", "\n", "a ", "---\n", "\u{feff}", "가", "[[1]"] {
        assert_linear(pattern, "a.txt", |bytes| repeated("a", pattern, bytes));
    }
    for pattern in ["a,", "a,b\n", "\"a", "\"\"", "|", "\n", ";\t", "\"a\nb\","] {
        assert_linear(pattern, "a.csv", |bytes| repeated("a,b\n", pattern, bytes));
    }
    assert_linear("a wide header over short rows", "a.csv", |bytes| {
        ["a,".repeat(bytes / 4), "\n".to_owned(), "b\n".repeat(bytes / 4)].concat().into_bytes()
    });
    for (beginning, pattern, end) in [
        ("[", "[", ""),
        ("", "{\"a\":", ""),
        ("[", "{\"a\":1},", "1]"),
        ("{", "\"a#\":1,", "\"b\":1}"),
        ("[", "{\"a#\":1},", "1]"),
        ("", "{\"a\":1}\n", ""),
        ("[\"", "a", "\"]"),
        ("[\"", "\\n# a", "\"]"),
    ] {
        let what = format!("{beginning}{pattern}{end}");
        assert_linear(&what, "a.json", |bytes| [numbered(beginning, pattern, bytes), end.into()].concat());
    }
}

#[test]
fn mail() {
    let head = "Message-ID: <1@a>\nMIME-Version: 1.0\nSubject: a\n";
    for (beginning, pattern) in [
        ("", "A: b\n"),
        ("", "To: a <a@b>, "),
        ("", " folded\n"),
        ("", "Subject: =?utf-8?q?a?= =?utf-8?q?b?=\n"),
        ("Content-Type: multipart/mixed; boundary=m\n\n", "--m\n\na\n"),
        (
            "Content-Type: multipart/mixed; boundary=m\n\n",
            "--m\nContent-Type: multipart/mixed; boundary=m\n\n",
        ),
        (
            "Content-Type: multipart/mixed; boundary=m\n\n",
            "--m\nContent-Type: message/rfc822\n\nSubject: a\n\n",
        ),
        ("Content-Type: text/html\n\n", "<span></x>"),
        ("Content-Transfer-Encoding: quoted-printable\n\n", "=3D=\n"),
        ("Content-Transfer-Encoding: base64\n\n", "QUJD\n"),
    ] {
        let begun = format!("{head}{beginning}");
        assert_linear(&format!("{beginning}{pattern}"), "a.eml", |bytes| repeated(&begun, pattern, bytes));
    }
}

/// An archive of these members, of which one holds the pattern, between what begins and what ends it.
fn package(members: &[(&str, &str)], name: &str, parts: [&str; 3], bytes: usize) -> Vec<u8> {
    let [beginning, pattern, end] = parts;
    let content = String::from_utf8(numbered(beginning, pattern, bytes)).expect("text") + end;
    archive(&[members, &[(name, content.as_str())]].concat())
}

#[test]
fn opendocument_epub_and_hwpx() {
    let kind = [("mimetype", "application/vnd.oasis.opendocument.text")];
    for pattern in [
        "<text:p>a</text:p>",
        "<text:p>",
        "<text:span>",
        "<text:list><text:list-item>",
        "<table:table>",
        "<text:s/>",
        "<text:h text:outline-level=\"1\">a</text:h>",
        "<table:table-row><table:table-cell>",
        "&amp;",
        "<text:p text:style-name=\"P#\">a</text:p>",
    ] {
        assert_linear(pattern, "a.odt", |bytes| {
            package(&kind, "content.xml", ["<office:body>", pattern, "</office:body>"], bytes)
        });
    }
    let book = [
        ("mimetype", "application/epub+zip"),
        (
            "META-INF/container.xml",
            "<container><rootfiles><rootfile full-path=\"a.opf\" media-type=\"application/oebps-package+xml\"/></rootfiles></container>",
        ),
        (
            "a.opf",
            "<package version=\"3.0\"><metadata/><manifest><item id=\"c\" href=\"c.xhtml\" media-type=\"application/xhtml+xml\"/></manifest><spine><itemref idref=\"c\"/></spine></package>",
        ),
    ];
    for pattern in ["<span></x>", "<p>a</p>", "<rt>", "<b id='#'>"] {
        assert_linear(pattern, "a.epub", |bytes| {
            package(&book, "c.xhtml", ["<html><body>", pattern, ""], bytes)
        });
    }
    for pattern in ["<hp:p><hp:run><hp:t>a</hp:t></hp:run></hp:p>", "<hp:p><hp:run>", "<hp:tbl>"] {
        assert_linear(pattern, "a.hwpx", |bytes| {
            package(&[], "Contents/section0.xml", ["<hs:sec>", pattern, "</hs:sec>"], bytes)
        });
    }
}

#[test]
fn office() {
    let word = [
        (
            "[Content_Types].xml",
            "<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>",
        ),
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>",
        ),
    ];
    let begun =
        "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>";
    for pattern in [
        "<w:p><w:r><w:t>a</w:t></w:r></w:p>",
        "<w:p>",
        "<w:r>",
        "<w:tbl><w:tr><w:tc>",
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
    ] {
        assert_linear(pattern, "a.docx", |bytes| {
            package(&word, "word/document.xml", [begun, pattern, "</w:body></w:document>"], bytes)
        });
    }
    let book = [
        (
            "[Content_Types].xml",
            "<Types><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>",
        ),
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"s\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"s\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
    ];
    for pattern in ["<row r=\"#\"><c r=\"A#\"><v>1</v></c></row>", "<row><c><v>1</v></c></row>", "<row>"] {
        assert_linear(pattern, "a.xlsx", |bytes| {
            let parts = ["<worksheet><sheetData>", pattern, "</sheetData></worksheet>"];
            package(&book, "xl/worksheets/sheet1.xml", parts, bytes)
        });
    }
}

#[test]
fn pdf() {
    let document = |content: &str| {
        format!(
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n\
             3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n\
             5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n\
             4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\ntrailer<</Root 1 0 R/Size 6>>\nstartxref\n0\n%%EOF\n",
            content.len()
        )
    };
    for pattern in ["q ", "BT /F 9 Tf (a) Tj ET\n", "0 0 m 9 9 l S\n", "[(a) 9 (b)] TJ\n"] {
        assert_linear(pattern, "a.pdf", |bytes| {
            document(&pattern.repeat(bytes / pattern.len())).into_bytes()
        });
    }
}
