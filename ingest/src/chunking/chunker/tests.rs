//! Tests how texts are split, and the chunker's properties on generated texts.

use super::*;
use proptest::prelude::*;

/// Words and punctuation marks: additive over white space, as tokenizers nearly are.
fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn cut(text: &str, target_tokens: usize, overlap_tokens: usize) -> Vec<Draft> {
    chunk(text, &[], ChunkOptions { target_tokens, overlap_tokens }, &words)
}

fn shown(drafts: &[Draft]) -> Vec<(String, &str)> {
    drafts.iter().map(|draft| (draft.heading_path.join(" > "), draft.text.as_str())).collect()
}

#[test]
fn sections_are_chunks_under_their_headings() {
    let text = "# 휴가\n\n휴가는 두 가지입니다.\n\n## 연차\n\n연차는 15일입니다.\n\n- 반차\n  - 오전\n  - 오후\n- 월차\n\n\
                ## 병가\n\n병가는 10일입니다.\n";
    assert_eq!(
        shown(&cut(text, 50, 5)),
        [
            ("휴가".to_owned(), "휴가는 두 가지입니다."),
            ("휴가 > 연차".to_owned(), "연차는 15일입니다.\n\n- 반차\n  - 오전\n  - 오후\n- 월차"),
            ("휴가 > 병가".to_owned(), "병가는 10일입니다."),
        ]
    );
}

#[test]
fn a_long_section_goes_on_with_its_last_sentences() {
    let text =
        "# T\n\nOne two three four. Five six seven eight. Nine ten.\n\nEleven twelve thirteen fourteen.";
    assert_eq!(
        shown(&cut(text, 11, 3)),
        [
            ("T".to_owned(), "One two three four. Five six seven eight. Nine ten."),
            ("T".to_owned(), "Nine ten.\n\nEleven twelve thirteen fourteen."),
        ]
    );
}

#[test]
fn a_paragraph_that_fits_the_next_chunk_is_not_divided() {
    let text = "One two three four five six.\n\nSeven eight nine. Ten eleven twelve.";
    assert_eq!(
        shown(&cut(text, 10, 0)),
        [
            (String::new(), "One two three four five six."),
            (String::new(), "Seven eight nine. Ten eleven twelve."),
        ]
    );
}

#[test]
fn a_long_code_block_is_divided_at_lines_with_its_fences() {
    let text = "Run this:\n\n```sh\nls -l a\n# not a heading\nls -l b\nls -l c\n```\n\nDone now.";
    assert_eq!(
        shown(&cut(text, 9, 0)),
        [
            (String::new(), "Run this:"),
            (String::new(), "```sh\nls -l a\n# not a heading\n```"),
            (String::new(), "```sh\nls -l b\nls -l c\n```"),
            (String::new(), "Done now."),
        ]
    );
    assert_eq!(cut(text, 40, 0).len(), 1);
}

#[test]
fn a_long_table_is_divided_at_rows_with_its_header() {
    let text = "| 지역 | 요금 |\n|---|---|\n| 서울 | 3000 |\n| 부산 | 4000 |\n| 제주 | 6000 |\n";
    assert_eq!(
        shown(&cut(text, 16, 0)),
        [
            (String::new(), "| 지역 | 요금 |\n|---|---|\n| 서울 | 3000 |\n| 부산 | 4000 |"),
            (String::new(), "| 지역 | 요금 |\n|---|---|\n| 제주 | 6000 |"),
        ]
    );
}

#[test]
fn setext_headings_quotes_and_headings_in_quotes() {
    let text = "Guide\n=====\n\nIntro here.\n\n> ### Note\n>\n> Quoted text\n> goes on.\n\nAfter the quote.\n\nUse\n---\n\nIt works.";
    assert_eq!(
        shown(&cut(text, 50, 5)),
        [
            ("Guide".to_owned(), "Intro here."),
            ("Guide > Note".to_owned(), "Quoted text\ngoes on."),
            ("Guide".to_owned(), "After the quote."),
            ("Guide > Use".to_owned(), "It works."),
        ]
    );
}

#[test]
fn a_heading_with_nothing_under_it_is_not_lost() {
    let text = "# Handbook\n\n## Travel\n\n## Food\n\nLunch is free.\n\n## Parking\n";
    assert_eq!(
        shown(&cut(text, 50, 5)),
        [
            ("Handbook".to_owned(), "## Travel"),
            ("Handbook > Food".to_owned(), "Lunch is free."),
            ("Handbook".to_owned(), "## Parking"),
        ]
    );
}

#[test]
fn the_headings_count_towards_the_size_but_leave_room() {
    let text = "# one two three\n\nA b c d. E f g h. I j k l.";
    assert!(cut(text, 8, 0).iter().all(|draft| words(&draft.context) + words(&draft.text) <= 8));
    let crowded = "# one two three four five six\n\n## seven\n\nA b c d. E f g h.";
    let drafts = cut(crowded, 8, 0);
    assert_eq!(&*drafts[0].context, "seven");
    assert_eq!(drafts[0].heading_path.len(), 2);
}

#[test]
fn a_chunk_knows_the_page_it_begins_on() {
    let text = "First page. More here.\n\nSecond page text.";
    let second = text.find("Second").expect("it is there");
    let pages = [PageStart { offset: 0, page: 1 }, PageStart { offset: second, page: 2 }];
    let options = ChunkOptions { target_tokens: 4, overlap_tokens: 0 };
    let drafts = chunk(text, &pages, options, &words);
    assert_eq!(drafts.iter().map(|draft| draft.page).collect::<Vec<_>>(), [Some(1), Some(2)]);
}

#[test]
fn blank_text_has_no_chunk() {
    assert!(cut("", 10, 2).is_empty());
    assert!(cut(" \n\n\t\n", 10, 2).is_empty());
}

#[test]
fn a_line_of_ten_megabytes_takes_linear_time() {
    let endless = "a".repeat(10_000_000);
    let sentence = "no stop in here ".repeat(600_000);
    let stops = "1. ".repeat(3_000_000);
    let abbreviations = "No. ".repeat(2_500_000);
    for text in [endless, sentence, stops, abbreviations] {
        let started = std::time::Instant::now();
        let drafts = cut(&text, 256, 32);
        assert!(drafts.len() > 1000);
        assert!(drafts.iter().all(|draft| draft.text.len() <= 256 * 16 + 64));
        // A quadratic pass over ten million bytes takes hours; this leaves room for a busy machine.
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
}

/// Markdown with what trips chunkers: structure within structure, marks without meaning, several scripts.
fn markdown_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "[a-zA-Z0-9가-힣一-龥 .!?]{0,60}",
        "#{1,6} [a-z가-힣]{0,12}",
        "(> ){1,3}[a-z가-힣 ]{0,20}",
        "( ){0,6}[-*+] [a-z가-힣 .]{0,20}",
        "( ){0,4}[0-9]{1,3}[.)] [a-z가-힣]{0,9}",
        "\\|[a-z가-힣|]{0,12}\\|",
        "\\|---\\|---\\|",
        "```[a-z]{0,3}",
        "    [a-z(){};]{0,20}",
        "\\[[a-z]{1,4}\\]: [a-z가-힣]{1,9}",
        "<[a-z]{1,6}>[a-z가-힣]{0,9}",
        "(---|===|\\*\\*\\*)",
        ".{0,30}",
        Just(String::new()),
    ];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

/// Runs of letters and digits; what a search can look for.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|run| !run.is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn everything_is_in_some_chunk_and_no_chunk_is_blank_or_too_long(
        text in markdown_text(),
        target in 8_usize..80,
        overlap in 0_usize..20,
    ) {
        let text = parse::normalize(&text);
        let drafts = cut(&text, target, overlap);
        // Marks of emphasis may stand within a word.
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let found: Vec<String> = drafts
            .iter()
            .flat_map(|draft| draft.heading_path.iter().chain([&draft.text]).map(|part| letters(part)))
            .collect();
        // Headings take at most half of a chunk; a run longer than the other half has to be cut.
        for run in runs(&text).filter(|run| run.chars().count() <= target / 2) {
            prop_assert!(found.iter().any(|part| part.contains(run)), "{run:?} is lost of {text:?}: {drafts:?}");
        }
        for draft in &drafts {
            prop_assert!(!draft.text.trim().is_empty());
            let tokens = words(&draft.context) + words(&draft.text);
            prop_assert!(tokens <= target, "{tokens} > {target}: {draft:?}");
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", target in 0_usize..5, overlap in 0_usize..9) {
        let drafts = chunk(
            &text,
            &[],
            ChunkOptions { target_tokens: target, overlap_tokens: overlap },
            &|piece| piece.len(),
        );
        prop_assert!(!drafts.is_empty() || !text.contains(char::is_alphanumeric));
    }
}
