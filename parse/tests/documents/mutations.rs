//! Documents of every format with some of their bytes changed, as by a bad disk or an attacker, are parsed or refused. More
//! of them: `PROPTEST_CASES=10000 cargo xtask test -- --test documents mutations`.
//!
//! A vendor's parser may panic, because that costs no more than its child process; a panic in this workspace fails the test.
//! The changes are the same in every run, and different for another `PROPTEST_RNG_SEED`.

use std::cell::RefCell;
use std::io::Write;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Once;

use parse::{Archive, Parsed, parse};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngSeed, TestRunner};
use unicode_normalization::is_nfc;

use crate::zip_archive::archive;

/// One change of a document's bytes.
#[derive(Debug, Clone)]
enum Mutation {
    /// Another byte at some place.
    Byte(Index, u8),
    /// The rest is gone.
    Cut(Index),
    /// A part is there twice.
    Repeat(Index, Index),
    /// A part is zeros.
    Blank(Index, u8),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Byte(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(part);
            }
            Self::Blank(at, length) => {
                let at = at.index(bytes.len());
                let end = (at + usize::from(*length)).min(bytes.len());
                bytes[at..end].fill(0);
            }
        }
    }
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        8 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, length)| Mutation::Blank(at, length)),
    ]
}

/// What holds of every document that is read.
fn assert_sound(parsed: &Parsed) {
    assert!(!parsed.markdown.trim().is_empty() && !parsed.markdown.contains('\0'));
    assert!(is_nfc(&parsed.markdown));
    let starts: Vec<usize> = parsed.page_starts.iter().map(|start| start.offset).collect();
    assert!(starts.is_sorted(), "{starts:?}");
    assert!(starts.iter().all(|&start| parsed.markdown.is_char_boundary(start)), "{starts:?}");
}

thread_local! {
    /// The file in which this thread panicked last.
    static PANICKED_IN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What is read of a document, or `None` for one that is refused.
fn read(bytes: &[u8], name: &str) -> Option<Parsed> {
    static NOTED: Once = Once::new();
    NOTED.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let file = info.location().map(|location| location.file().to_owned()).unwrap_or_default();
            // A vendor's would be told hundreds of times.
            if is_ours(&file) {
                former(info);
            }
            PANICKED_IN.set(file);
        }));
    });
    match panic::catch_unwind(|| parse(bytes, name)) {
        Ok(read) => read.ok(),
        Err(panicked) if is_ours(&PANICKED_IN.take()) => panic::resume_unwind(panicked),
        Err(_) => None,
    }
}

/// Whether a source file is in this workspace: all others have absolute paths.
fn is_ours(file: &str) -> bool {
    Path::new(file).is_relative()
}

/// Hands `test` the sample with changes, as often as proptest is told to.
fn under_mutations(name: &str, sample: &[u8], test: impl Fn(Vec<u8>)) {
    let mutations = prop::collection::vec(any_mutation(), 1..6);
    let mut config = ProptestConfig::default();
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(0);
    }
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&mutations, |mutations| {
        let mut bytes = sample.to_vec();
        for mutation in &mutations {
            mutation.apply(&mut bytes);
        }
        test(bytes);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{name}: {failure}"));
}

/// Reads a document and others of its kind after changing them.
fn survives(name: &str, sample: &[u8]) {
    under_mutations(name, sample, |bytes| {
        if let Some(parsed) = read(&bytes, name) {
            assert_sound(&parsed);
        }
    });
}

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A test per sample file.
macro_rules! survive {
    ($($test:ident: $name:literal,)+) => {
        $(
            #[test]
            fn $test() {
                survives($name, &sample($name));
            }
        )+
    };
}

survive! {
    pdf: "annual-leave.ko.pdf",
    word: "error-codes.docx",
    old_word: "error-codes.doc",
    slides: "start.pptx",
    workbook: "start.xlsx",
    old_workbook: "start.xls",
    opendocument_text: "annual-leave.ko.odt",
    opendocument_slides: "start.odp",
    opendocument_workbook: "start.ods",
    book: "annual-leave.ko.epub",
}

#[test]
fn hangul() {
    for name in ["hwp/work_report.hwp", "hwpx/Table.hwpx"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/formats").join(name);
        let Ok(sample) = std::fs::read(path) else {
            // Not `eprintln!`: the harness swallows what a passing test prints. A closed stream leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "SKIPPED {name}: ../shared/data is not there");
            return;
        };
        survives(name, &sample);
    }
}

#[test]
fn texts() {
    let message = "From: a@example.com\nMIME-Version: 1.0\nSubject: =?UTF-8?B?7ZmY67aI?=\n\
        Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n<p>Prices</p>\n\
        --m\nContent-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\n\n%PDF\n--m--\n";
    for (name, text) in [
        ("page.html", "<!doctype html><main><h1>제목</h1><table><tr><td>가<td>나</table><p hidden>x</main>"),
        (
            "notes.md",
            "---\ntitle: 안내\n---\n# 제목\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nx\n```\n<b>굵게</b>",
        ),
        ("notes.txt", "제목\n====\n\n# 설정\n본문입니다.\n"),
        ("prices.csv", "품목,가격\n\"움틀 \"\"U2\"\"\",\"189,000\"\n"),
        ("records.json", r#"[{"제목":"환불","본문":{"줄":["가",1,null,true]}},{"제목":"교환"}]"#),
        ("message.eml", message),
    ] {
        survives(name, text.as_bytes());
    }
}

#[test]
fn an_archive_of_documents() {
    let bytes = archive(&[("규정/a.md", "# A"), ("b.txt", "나")]);
    under_mutations("an archive", &bytes, |bytes| {
        if let Ok(Some(mut archive)) = Archive::open(std::io::Cursor::new(bytes)) {
            for member in archive.members().into_iter().flatten() {
                let _ = archive.read(&member);
            }
        }
    });
}
