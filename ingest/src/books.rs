//! Tests the chunks of both books of the development data, 217 real files in two languages, against what a person judged
//! to be right.

use std::io::Write;
use std::path::Path;

use parse::parse;

use crate::chunking::chunker::{ChunkOptions, Draft, chunk};
use crate::chunking::measure::estimate_tokens;
use crate::sources::walk::walk;

/// The chunks of all files of a book; `None`, said loudly, where the development data is absent.
fn book(name: &str) -> Option<Vec<Draft>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/books").join(name);
    if !folder.exists() {
        // Not `eprintln!`: the harness swallows what a passing test prints. A closed stream leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "SKIPPED the book {name}: ../shared/data is not there");
        return None;
    }
    let found = walk(&folder).expect("the book is readable");
    assert!(found.failed.is_empty(), "{:?}", found.failed);
    assert!(found.files.len() > 100);
    let chunks = found.files.iter().flat_map(|file| {
        let bytes = file.read().expect("the file is readable");
        let parsed = parse(&bytes, &file.source).unwrap_or_else(|error| panic!("{}: {error}", file.source));
        let drafts = chunk(&parsed.markdown, &[], ChunkOptions::default(), &estimate_tokens);
        assert!(!drafts.is_empty(), "{} has no chunk", file.source);
        drafts
    });
    Some(chunks.collect())
}

fn check_all(drafts: &[Draft]) {
    for draft in drafts {
        let tokens = estimate_tokens(&draft.context) + estimate_tokens(&draft.text);
        assert!(tokens <= 256, "{tokens} tokens: {draft:?}");
        assert!(!draft.heading_path.is_empty(), "no heading above {draft:?}");
        for noise in ["{{#", "<span", "<!--", "<Listing", "</Listing", "<img", "][", "<a id"] {
            assert!(!draft.text.contains(noise), "{noise} in {draft:?}");
        }
    }
}

fn text_under<'d>(drafts: &'d [Draft], path: &[&str]) -> &'d str {
    let draft = drafts.iter().find(|draft| *draft.heading_path == *path);
    &draft.unwrap_or_else(|| panic!("nothing under {path:?}")).text
}

#[test]
fn the_english_book_gives_chunks_a_person_would_cut() {
    let Some(drafts) = book("rust-en") else { return };
    check_all(&drafts);
    assert_eq!(
        text_under(&drafts, &["What Is Ownership?", "Ownership Rules"]),
        "First, let’s take a look at the ownership rules. Keep these rules in mind as we\n\
         work through the examples that illustrate them:\n\n\
         - Each value in Rust has an _owner_.\n\
         - There can only be one owner at a time.\n\
         - When the owner goes out of scope, the value will be dropped."
    );
    // A heading within a block quote.
    let quoted = text_under(&drafts, &["What Is Ownership?", "The Stack and the Heap"]);
    assert!(
        quoted.starts_with(
            "Many programming languages don’t require you to think about the stack and the\nheap"
        )
    );
    let listing = drafts.iter().find(|draft| draft.text.contains("Listing 4-1: A variable"));
    assert!(listing.is_some_and(|draft| draft.text.contains("```rust\nlet s = \"hello\";\n```")));
    let powers = drafts.iter().find(|draft| draft.text.contains("Each signed variant can store"));
    let powers = powers.map(|draft| draft.text.as_str()).unwrap_or_default();
    assert!(powers.contains("−(2^(n − 1)) to 2^(n − 1) − 1 inclusive"), "{powers}");
}

#[test]
fn the_korean_book_gives_chunks_a_person_would_cut() {
    let Some(drafts) = book("rust-ko") else { return };
    check_all(&drafts);
    assert_eq!(
        text_under(&drafts, &["소유권이 뭔가요?", "소유권 규칙"]),
        "소유권 규칙부터 알아보겠습니다.\n\
         앞으로 나올 내용을 보는 동안 다음 규칙을 명심하세요:\n\n\
         * 러스트에서, 각각의 값은 *소유자(owner)* 라는 변수가 정해져 있다.\n\
         * 한 값의 소유자는 동시에 여럿 존재할 수 없다.\n\
         * 소유자가 스코프 밖으로 벗어날 때, 값은 버려진다(dropped)."
    );
    let project = text_under(&drafts, &["추리 게임", "새로운 프로젝트를 준비하기"]);
    assert!(project.contains("```console\n$ cargo new guessing_game\n$ cd guessing_game\n```"), "{project}");
    assert!(project.contains("Filename: Cargo.toml"), "{project}");
    let operators: Vec<&Draft> =
        drafts.iter().filter(|draft| draft.text.starts_with("| Operator | Example |")).collect();
    assert!(operators.len() > 2, "a long table is divided, each part under the header");
}
