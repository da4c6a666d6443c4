//! Real books, real questions: two languages, the right chapter cited, and what the books do not hold declined.
//!
//! The whole books with the larger model are for `cargo xtask test --with-large-model`; every run asks the small models
//! about a few chapters.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;

use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::environment::{require_large_model, require_shared_data};
use tests::server::Server;
use tests::story::{ask, ask_of, collection, conversation, done, small_daedap};

/// A question, and how the file names of the chapters that answer it begin.
type Asked = (&'static str, &'static [&'static str]);

const ENGLISH: [Asked; 10] = [
    ("What are the three ownership rules in Rust?", &["ch04-01"]),
    // Chapter 15 recalls them in the same words.
    ("What are the rules of references?", &["ch04-02", "ch15-05"]),
    ("How do I create a new project using Cargo?", &["ch01-03", "ch02-00", "ch07-01"]),
    ("What does the question mark operator do when a Result is an Err?", &["ch09-02"]),
    ("When would you use Rc<T> instead of Box<T>?", &["ch15-04", "ch15-05"]),
    ("How can a Mutex be shared between multiple threads?", &["ch16-03"]),
    ("Which actions does unsafe Rust allow that safe Rust does not?", &["ch20-01"]),
    ("What does the Drop trait let you customize?", &["ch15-03"]),
    ("How do I run a subset of tests by name?", &["ch11-02"]),
    ("What is the difference between a String and a string slice?", &["ch04-03", "ch08-02", "ch04-01"]),
];

/// Of the chapters that the translation has reached.
const KOREAN: [Asked; 10] = [
    ("소유권 규칙은 무엇인가요?", &["ch04-01"]),
    ("댕글링 참조자란 무엇인가요?", &["ch04-02"]),
    ("카고로 새 프로젝트를 만드는 명령은 무엇인가요?", &["ch01-03", "ch02-00"]),
    ("에러를 전파하는 ? 연산자는 어떻게 동작하나요?", &["ch09-02"]),
    ("if let은 언제 사용하나요?", &["ch06-03", "ch18-01"]),
    ("테스트를 이름으로 골라 일부만 실행하려면 어떻게 하나요?", &["ch11-02"]),
    ("라이프타임의 주목적은 무엇을 방지하는 것인가요?", &["ch10-03"]),
    ("String에 인덱스로 접근할 수 없는 이유는 무엇인가요?", &["ch08-02"]),
    // The book's own spelling; 해시맵, as others write it, is no word of the book.
    ("해쉬맵에 키가 없을 때만 값을 삽입하려면 무엇을 쓰나요?", &["ch08-03"]),
    ("트레잇 메소드의 기본 구현은 언제 유용한가요?", &["ch10-02"]),
];

const NOT_IN_THE_BOOKS: [&str; 5] = [
    "Who won the football World Cup in 2018?",
    "How long does sourdough bread have to rest before baking?",
    "What is the capital of Mongolia?",
    "김치찌개에는 어떤 재료가 들어가나요?",
    "서울에서 부산까지 기차로 얼마나 걸리나요?",
];

#[tokio::test]
async fn whole_books_are_answered_from_the_right_chapter() {
    let (Some(books), Some(models)) = (require_shared_data("books"), require_large_model()) else { return };
    let data_dir = tempfile::tempdir().unwrap();
    let daedap = Daedap::on(data_dir.path()).with_model(&models, "qwen2.5-coder-1.5b-instruct");
    for book in ["rust-en", "rust-ko"] {
        let files = std::fs::read_dir(books.join(book)).unwrap().count();
        let report = ingest(&daedap, &books.join(book), book).await;
        assert_eq!(report["failed"], json!([]), "{report}");
        assert_eq!(report["added"], files, "{report}");
    }
    let server = Server::start(daedap).await;
    let mut wrong = Vec::new();
    for (book, questions) in [("rust-en", ENGLISH), ("rust-ko", KOREAN)] {
        // The chapters that the translation has not reached yet are in English in both books.
        let collections = [collection(&server, book).await];
        for (question, chapters) in questions {
            let answer = done(&ask_of(&server, &collections, question).await);
            let cited = cited_sources(&server, &answer).await;
            println!("{question}\n  {}\n  {cited:?}", answer["content"].as_str().unwrap());
            if !cited.iter().any(|source| is_chapter(source, chapters)) {
                wrong.push(format!("{question}: {answer}"));
            }
        }
    }
    for question in NOT_IN_THE_BOOKS {
        let answer = done(&ask(&server, &conversation(&server).await, question).await);
        println!("{question}\n  {}", answer["content"].as_str().unwrap());
        if answer["abstained"] != true {
            wrong.push(format!("{question}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} of 25:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_few_chapters_are_found_in_both_languages() {
    let Some(books) = require_shared_data("books") else { return };
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let chapters = tempfile::tempdir().unwrap();
    for book in ["rust-en", "rust-ko"] {
        copy_chapters(&books.join(book), chapters.path(), book);
    }
    let report = ingest(&daedap, chapters.path(), "chapters").await;
    assert_eq!(report["failed"], json!([]), "{report}");
    let server = Server::start(daedap).await;
    for (question, expected) in [
        ("What are the rules of references?", "rust-en-ch04-02"),
        ("What does the Drop trait let you customize?", "rust-en-ch15-03"),
        ("댕글링 참조자란 무엇인가요?", "rust-ko-ch04-02"),
        ("if let은 언제 사용하나요?", "rust-ko-ch06-03"),
    ] {
        let query = json!({ "query": question, "limit": 3 });
        let found: Value =
            server.post("/api/v1/search").json(&query).send().await.unwrap().json().await.unwrap();
        let sources: Vec<&str> = found["passages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|passage| passage["source"].as_str().unwrap())
            .collect();
        assert!(sources.iter().any(|source| source.contains(expected)), "{question}: {sources:?}");
    }
    for question in ["What is the capital of Mongolia?", "김치찌개에는 어떤 재료가 들어가나요?"]
    {
        let answer = done(&ask(&server, &conversation(&server).await, question).await);
        assert_eq!(answer["abstained"], true, "{question}: {answer}");
    }
}

/// Four short chapters, named by their book so that both may lie in one folder.
fn copy_chapters(from: &Path, to: &Path, book: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["ch04-02", "ch06-03", "ch15-03", "ch16-00"].iter().any(|chapter| name.starts_with(chapter)) {
            std::fs::copy(&path, to.join(format!("{book}-{name}"))).unwrap();
        }
    }
}

async fn ingest(daedap: &Daedap, folder: &Path, collection: &str) -> Value {
    let output =
        daedap.run(&["ingest", folder.to_str().unwrap(), "--collection", collection, "--json"]).await;
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The sources of the documents that an answer cites.
async fn cited_sources(server: &Server, answer: &Value) -> Vec<String> {
    let mut sources = Vec::new();
    for citation in answer["citations"].as_array().unwrap() {
        let path = format!("/api/v1/documents/{}", citation["document"].as_str().unwrap());
        let document: Value = server.get(&path).send().await.unwrap().json().await.unwrap();
        sources.push(document["source"].as_str().unwrap().to_owned());
    }
    sources
}

fn is_chapter(source: &str, chapters: &[&str]) -> bool {
    let name = source.rsplit('/').next().unwrap_or(source);
    chapters.iter().any(|chapter| name.starts_with(chapter))
}
