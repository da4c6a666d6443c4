//! Documents that were made to do harm. Parsed in this process on purpose, so that what only the sandbox would survive fails
//! a test.

use parse::{ParseError, Parsed, parse};

use crate::zip_archive::archive;

fn read(bytes: &[u8]) -> Result<Parsed, ParseError> {
    parse(bytes, "file")
}

/// A Word document of one paragraph, whose XML begins with `prologue`.
fn word(prologue: &str, paragraph: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\"?>{prologue}<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body><w:p><w:r><w:t>{paragraph}</w:t></w:r></w:p></w:body></w:document>"
    );
    archive(&[
        (
            "[Content_Types].xml",
            "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
             <Override PartName=\"/word/document.xml\" ContentType=\
             \"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>",
        ),
        (
            "_rels/.rels",
            "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"rId1\" Type=\
             \"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
             Target=\"word/document.xml\"/></Relationships>",
        ),
        ("word/document.xml", &document),
    ])
}

#[test]
fn entities_reach_no_file_and_do_not_multiply() {
    let plain = read(&word("", "휴가는 15일입니다.")).expect("a document without tricks");
    assert_eq!(plain.markdown.trim(), "휴가는 15일입니다.");
    let outside = "<!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    if let Ok(parsed) = read(&word(outside, "before &e; after")) {
        assert!(!parsed.markdown.contains("root:"), "{}", parsed.markdown);
    }
    let mut laughs = String::from("<!DOCTYPE d [<!ENTITY a0 \"haha\">");
    for level in 1..12 {
        let former = format!("&a{};", level - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY a{level} \"{former}\">"));
    }
    laughs.push_str("]>");
    if let Ok(parsed) = read(&word(&laughs, "&a11;")) {
        assert!(parsed.markdown.len() < 1_000, "{}", parsed.markdown.len());
    }
}

#[test]
fn a_member_of_another_place_is_written_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = folder.path().join("was-here");
    // From wherever it would be unpacked up to the root, and down again.
    let member =
        format!("word/{}{}", "../".repeat(40), elsewhere.display().to_string().trim_start_matches('/'));
    let escaping = archive(&[(member.as_str(), "x"), ("word/document.xml", "<x/>")]);
    assert!(read(&escaping).is_err());
    assert!(!elsewhere.exists());
}

#[test]
fn an_archive_of_very_many_members_is_refused() {
    let names: Vec<String> = (0..100_000).map(|number| format!("{number}.txt")).collect();
    let members: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(read(&archive(&members)).expect_err("its directory is not read").code(), "too_costly");
}

#[test]
fn a_pdf_whose_pages_go_round_in_circles_ends() {
    let circle = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Count 2/Kids[2 0 R 3 0 R]>>endobj\n\
        3 0 obj<</Type/Pages/Parent 2 0 R/Count 1/Kids[2 0 R]>>endobj\n\
        trailer<</Root 1 0 R/Size 4>>\nstartxref\n0\n%%EOF\n";
    assert!(read(circle).is_err());
    let own_content = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</F 4 0 R>>>>>>endobj\n\
        4 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 4 0 R>>>>/Length 5>>stream\n/F Do\nendstream endobj\n\
        trailer<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF\n";
    assert!(read(own_content).is_err());
}

#[test]
fn damaged_documents_are_errors_wherever_they_are_cut() {
    let whole = word("", "휴가는 15일입니다.");
    for length in (8..whole.len()).step_by(37) {
        assert!(read(&whole[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_name_that_lies_is_seen_through() {
    let refused = |bytes: &[u8], name: &str| parse(bytes, name).expect_err(name).code();
    assert_eq!(refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "notes.md"), "unsupported_type");
    assert_eq!(refused(b"MZ\x90\0\x03\0\0\0", "notes.txt"), "unsupported_type");
    let document = parse(&word("", "휴가는 15일입니다."), "notes.pdf").expect("its content decides");
    assert_eq!(document.markdown.trim(), "휴가는 15일입니다.");
}

#[test]
fn an_opendocument_text_reaches_no_file_and_does_not_inflate() {
    let text = |content: &str| {
        archive(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", content)])
    };
    let outside = "<!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><office:body><text:p>before &e; after</text:p></office:body>";
    let parsed = read(&text(outside)).expect("the entity says nothing");
    assert!(!parsed.markdown.contains("root:"), "{}", parsed.markdown);
    // 200 MiB of spaces in 200 KiB.
    let bomb = text(&format!("<office:body>{}</office:body>", " ".repeat(200 << 20)));
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert_eq!(read(&bomb).expect_err("it is refused").code(), "too_costly");
}

#[test]
fn a_line_and_a_table_of_any_length_are_read() {
    let line = "가나다라 ".repeat(800_000);
    assert!(line.len() > 10_000_000);
    assert_eq!(read(line.as_bytes()).expect("a text").markdown.matches("가나다라").count(), 800_000);
    let rows = format!("품목,가격\n{}", "움틀,1\n".repeat(1_000_000));
    let table = parse(rows.as_bytes(), "prices.csv").expect("a table");
    assert_eq!(table.markdown.lines().count(), 1_000_002, "a header, what is under it, and the rows");
}
