//! Golden tests of every format: headings, sentences, tables and pages are where a reader sees them.
//!
//! `tests/formats/` holds texts of the sample knowledge base, saved by LibreOffice 7.4, and as EPUB by pandoc 2.17. HWP files
//! and PDF files of other programs are in the shared data beside the checkout.

use std::io::Write;
use std::path::Path;

use parse::{ParseError, Parsed, parse};

fn read(path: &Path) -> Result<Parsed, ParseError> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Under another name: the content decides.
    parse(&bytes, "file.bin")
}

fn sample(name: &str) -> Parsed {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)).expect(name)
}

/// A file of the shared data; `None` if that is not there.
fn shared(name: &str) -> Option<Result<Parsed, ParseError>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/formats").join(name);
    if !path.exists() {
        // Not `eprintln!`: the harness swallows what a passing test prints. A closed stream leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "SKIPPED {name}: ../shared/data is not there");
        return None;
    }
    Some(read(&path))
}

fn assert_in_order(parsed: &Parsed, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        match parsed.markdown[from..].find(part) {
            Some(at) => from += at + part.len(),
            None => panic!("{part:?} is not where it should be in:\n{}", parsed.markdown),
        }
    }
}

/// The page on which a part of the text stands.
fn page_of(parsed: &Parsed, part: &str) -> Option<u32> {
    let at = parsed.markdown.find(part).unwrap_or_else(|| panic!("{part:?} is missing"));
    parsed.page_starts.iter().rev().find(|start| start.offset <= at).map(|start| start.page)
}

#[test]
fn word_documents_keep_headings_lists_and_tables() {
    for name in ["error-codes.docx", "error-codes.doc"] {
        let parsed = sample(name);
        assert_in_order(
            &parsed,
            &[
                "Umteul Error Codes",
                "\n## Overview\n",
                "| Code | Meaning | Does it keep growing? |",
                "| E01 | Water level below 15 percent | Yes, pump paused |",
                "| E15 | Wrong power adapter | No |",
                "\n## E01: water low\n",
                "The pump starts again by itself within 30 seconds.",
                "\n1. Unplug the appliance and take out the tank.",
                "\n4. Put it back and hold the Water button for 2 seconds.",
                "75 °C",
            ],
        );
        assert!(parsed.page_starts.is_empty(), "{name}: Word sets its pages when it prints");
    }
}

#[test]
fn korean_word_documents_read_as_korean() {
    let parsed = sample("annual-leave.ko.docx");
    assert_in_order(
        &parsed,
        &[
            "휴가 규정",
            "\n## 연차휴가\n",
            "- 그 뒤로는 2년마다 1일씩 늘어 최대 25일까지 쌓입니다.",
            "| 본인 결혼 | 7일 | 500,000원 |",
            "\n## 안식휴가\n",
        ],
    );
}

#[test]
fn pdf_pages_are_numbered_and_tables_are_tables() {
    let parsed = sample("error-codes.pdf");
    assert_eq!(parsed.title.as_deref(), Some("Umteul Error Codes"));
    assert_in_order(
        &parsed,
        &[
            "# Umteul Error Codes",
            "If the same code returns three times in a week, write to support@ipsaeum.example.com.",
            "| E01 | Water level below 15 percent | Yes, pump paused |",
            "## E02: pump blocked",
            "1. Unplug the appliance and take out the tank.",
        ],
    );
    assert_eq!(page_of(&parsed, "E02: pump blocked"), Some(1));
    assert_eq!(page_of(&parsed, "The light bar is above 75 °C."), Some(2));
}

#[test]
fn korean_pdfs_read_as_korean() {
    let parsed = sample("annual-leave.ko.pdf");
    assert_eq!(parsed.title.as_deref(), Some("휴가 규정"));
    assert_in_order(
        &parsed,
        &["휴가 규정", "연차휴가", "만 1 년이 되는 날 17 일이", "병가", "| 본인 결혼 | 7 일 |"],
    );
    assert_eq!(page_of(&parsed, "경조휴가는 모두 유급이고"), Some(2));
}

#[test]
fn slides_are_pages_without_what_the_speaker_noted() {
    let parsed = sample("start.pptx");
    assert_in_order(
        &parsed,
        &["# 움틀 U2 설치 안내", "전원 어댑터를 연결합니다.", "# Light and water", "| U3 Family | 9 L |"],
    );
    assert_eq!(page_of(&parsed, "물통에 물을"), Some(1));
    assert_eq!(page_of(&parsed, "Refill the tank"), Some(2));
    assert!(!parsed.markdown.contains("mention the warranty") && !parsed.markdown.contains("Slide 2"));
}

#[test]
fn sheets_are_sections_and_hidden_ones_stay_hidden() {
    for name in ["start.xlsx", "start.xls"] {
        let parsed = sample(name);
        assert_in_order(
            &parsed,
            &["## 가격표", "| 움틀 U3 Family | 329,000 | 4 |", "## Spare parts", "| Light bar | L-77/B |"],
        );
        assert!(!parsed.markdown.contains("margin"), "{name}: {}", parsed.markdown);
    }
}

#[test]
fn opendocument_texts_keep_headings_lists_and_tables() {
    let parsed = sample("error-codes.odt");
    assert_eq!(parsed.title.as_deref(), Some("Umteul Error Codes"));
    assert_in_order(
        &parsed,
        &[
            "# Umteul Error Codes\n",
            "\n## Overview\n",
            "| E01  | Water level below 15 percent    | Yes, pump paused      |",
            "\n## E02: pump blocked\n",
            "\n2. Turn the pump cover to the left and lift it off.\n",
        ],
    );
    let parsed = sample("annual-leave.ko.odt");
    assert_eq!(parsed.title.as_deref(), Some("휴가 규정"));
    assert_in_order(
        &parsed,
        &[
            "# 휴가 규정\n",
            "\n## 연차휴가\n",
            "\n### 일수\n",
            "\n- 그 뒤로는 2년마다 1일씩 늘어 최대 25일까지 쌓입니다.\n",
            "| 1년 이상 3년 미만 | 17일   |",
            "\n1. 사내 포털 '뜰안'에서",
            "| 본인 결혼        | 7일  | 500,000원 |",
        ],
    );
}

#[test]
fn books_keep_their_chapters_headings_and_tables() {
    let parsed = sample("error-codes.epub");
    assert_eq!(parsed.title.as_deref(), Some("Umteul Error Codes"));
    assert_in_order(
        &parsed,
        &[
            "\n## Overview\n",
            "| E01  | Water level below 15 percent ",
            "\n## E02: pump blocked\n",
            "\n2. Turn the pump cover to the left and lift it off.\n",
        ],
    );
    assert_eq!(parsed.markdown.matches("E02: pump blocked").count(), 1, "the table of contents is left out");
    let parsed = sample("annual-leave.ko.epub");
    assert_eq!(parsed.title.as_deref(), Some("휴가 규정"));
    assert_in_order(
        &parsed,
        &[
            "\n## 연차휴가\n",
            "\n- 그 뒤로는 2년마다 1일씩 늘어 최대 25일까지 쌓입니다.\n",
            "| 본인 결혼",
            "\n## 안식휴가\n",
        ],
    );
}

#[test]
fn opendocument_slides_are_pages_and_sheets_sections() {
    let parsed = sample("start.odp");
    assert_eq!(parsed.title.as_deref(), Some("움틀 U2 설치 안내"));
    assert_in_order(&parsed, &["움틀 U2 설치 안내", "- 물통에 물을 채웁니다.", "| U3 Family | 9 L   |"]);
    assert_eq!(page_of(&parsed, "물통에 물을"), Some(1));
    assert_eq!(page_of(&parsed, "Refill the tank"), Some(2));
    assert!(!parsed.markdown.contains("mention the warranty"));
    let parsed = sample("start.ods");
    assert_in_order(
        &parsed,
        &["## 가격표", "| 움틀 U3 Family | 329,000 | 4 |", "## Spare parts", "| Light bar | L-77/B |"],
    );
    assert!(!parsed.markdown.contains("margin"));
}

#[test]
fn korean_office_documents_are_read() {
    let expected: [(&str, &[&str]); 8] = [
        ("hwp/hello_world.hwp", &["Hello World!"]),
        (
            "hwp/work_report.hwp",
            &["주간업무보고서", "| 금주 진행업무 |", "**업무내용**", "기타 내용을 작성합니다."],
        ),
        ("hwpx/Table.hwpx", &["C반 기말고사", "| 이름 | 국어 | 영어 | 수학 |", "| 육손이 | 66 | 66 | 66 |"]),
        (
            "hwpx/multipara.hwpx",
            &["'어썸킴' 김하성(27·샌디에이고 파드리스)이 시원한 3점홈런을 폭발했다.", "7회말"],
        ),
        (
            "hwpx/no_manifest.hwpx",
            &[
                "입 법 예 고",
                "울산광역시 남구 공고 제2021-174호",
                "2021년 2월 5일",
                "| 제1절 재산분 | 제1절 사업소분 |",
            ],
        ),
        ("hwpx/SimpleTable.hwpx", &["| 1 | | 2 |", "| 5 | 4 | |"]),
        ("hwpx/MultiColumn.hwpx", &["7\n", "10\n"]),
        ("hwpx/sample1.hwpx", &["우리는 *수학* 이다."]),
    ];
    for (name, parts) in expected {
        let Some(parsed) = shared(name) else { return };
        assert_in_order(&parsed.expect(name), parts);
    }
}

#[test]
fn pdfs_of_other_programs_are_read() {
    let Some(parsed) = shared("pdf/google-doc-document.pdf") else { return };
    let parsed = parsed.expect("a PDF");
    assert_eq!(parsed.title.as_deref(), Some("Example document"));
    assert_in_order(
        &parsed,
        &["Beautiful is better than ugly.", "| Capital | Jakarta | Berlin | Vienna | Paris | Vatican City |"],
    );
    let Some(parsed) = shared("pdf/pdflatex-4-pages.pdf") else { return };
    let parsed = parsed.expect("a PDF");
    assert_in_order(&parsed, &["some nonsense like “Huardest gefburn”? Kjift – not at all!"]);
    let pages: Vec<u32> = parsed.page_starts.iter().map(|start| start.page).collect();
    assert_eq!(pages, [1, 2, 3, 4]);
    let Some(parsed) = shared("pdf/002-trivial-libre-office-writer.pdf") else { return };
    assert_in_order(
        &parsed.expect("a PDF"),
        &["Lorem ipsum dolor sit amet, consetetur sadipscing elitr,", "Stet clita kasd gubergren"],
    );
    // Its columns are so close that lines of both are read as one; titles and pages are right.
    let Some(parsed) = shared("pdf/multicolumn.pdf") else { return };
    let parsed = parsed.expect("a PDF");
    assert_in_order(&parsed, &["# Two-Column Document with Lorem Ipsum\n", "January 3, 2024", "filled"]);
    assert_eq!(parsed.page_starts.len(), 3);
}

#[test]
fn what_holds_no_text_or_is_locked_says_so() {
    let expected = [
        ("pdf/imagemagick-images.pdf", "no_text_layer"),
        ("pdf/libreoffice-writer-password.pdf", "protected"),
        ("hwp/outline.hwp", "empty"),
    ];
    for (name, code) in expected {
        let Some(parsed) = shared(name) else { return };
        assert_eq!(parsed.expect_err(name).code(), code, "{name}");
    }
}
