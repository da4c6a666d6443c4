//! Tests the ingest of single documents.

use crate::kit::{Kit, WORKSPACE};
use domain::Language;
use ingest::{IngestError, IngestItem, Outcome};
use parse::MAX_DOCUMENT_BYTES;

const LEAVE: &str = "# Annual leave\n\nEvery employee gets fifteen days of annual leave.\n\n\
                     ## Carry-over\n\nUnused days can be taken until the end of March.\n";
const LEAVE_KO: &str = "# 연차 휴가\n\n모든 직원은 매년 열닷새의 연차를 받습니다.\n\n## 이월\n\n남은 연차는 이듬해 3월 말까지 쓸 수 있습니다.\n";

fn code(result: Result<ingest::Ingested, IngestError>) -> &'static str {
    result.expect_err("must be refused").code()
}

#[tokio::test]
async fn a_document_is_ingested_once_and_changes_by_versions() {
    let Some(kit) = Kit::new().await else { return };
    let added = kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    assert_eq!((added.outcome, added.chunks), (Outcome::Added, 2));
    let document = kit.document("leave.md").await;
    assert_eq!(document.title, "Annual leave");
    assert_eq!((document.version_number, document.chunk_count), (1, 2));
    assert_eq!(document.language, Language::ENGLISH);

    let again = kit.ingest("leave.md", LEAVE).await.expect("nothing to do");
    assert_eq!((again.outcome, again.chunks), (Outcome::Unchanged, 2));
    assert_eq!(kit.document("leave.md").await.version_number, 1);

    let changed = format!("{LEAVE}\n## Sick leave\n\nTen days.\n");
    let updated = kit.ingest("leave.md", changed.as_str()).await.expect("it is updated");
    assert_eq!((updated.outcome, updated.chunks), (Outcome::Updated, 3));
    assert_eq!(updated.document, added.document);
    assert_eq!(kit.document("leave.md").await.version_number, 2);
    assert_eq!(kit.stored("leave.md").await, 3, "the chunks of the first version are gone");

    let forced = IngestItem { force: true, ..kit.item("leave.md", changed) };
    assert_eq!(kit.pipeline.ingest(forced).await.expect("forced").outcome, Outcome::Updated);
    assert_eq!(kit.document("leave.md").await.version_number, 3);
    assert_eq!(kit.stored("leave.md").await, 3);
}

#[tokio::test]
async fn chunks_are_found_by_words_and_by_meaning_where_the_embedder_knows_the_language() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    kit.ingest("연차.md", LEAVE_KO).await.expect("it is ingested");

    let by_words = kit.find_words("남은 연차는 언제까지").await;
    let best = &by_words.first().expect("a chunk is found").chunk;
    assert_eq!(best.heading_path, ["연차 휴가", "이월"]);
    assert_eq!((best.title.as_str(), best.source.as_str(), best.position), ("연차 휴가", "연차.md", 1));
    assert_eq!(best.text, "남은 연차는 이듬해 3월 말까지 쓸 수 있습니다.");
    assert_eq!(best.language, Language::KOREAN);

    let by_meaning = kit.find_meaning("until when may I use vacation from last year").await;
    assert_eq!(
        by_meaning.first().expect("a chunk is found").chunk.heading_path,
        ["Annual leave", "Carry-over"]
    );
    assert!(by_meaning.iter().all(|found| found.chunk.language == Language::ENGLISH));
}

#[tokio::test]
async fn every_bad_input_has_its_code_and_the_old_version_stays() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    for (bytes, expected) in [
        (&b""[..], "empty"),
        (b" \n\t\n", "empty"),
        (b"<!-- nothing but a comment -->\n", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "parser_failed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "unsupported_type"),
        ("연차 \u{fffd}".as_bytes(), "ok"),
        (b"\xec\x97\xb0\xec\xb0\xa8 \xff\xfe\xec\xb0 \xed\x9c\xb4\xea\xb0\x80", "bad_encoding"),
    ] {
        if expected == "ok" {
            kit.ingest("replacement.md", bytes).await.expect("a replacement character of the author's own");
        } else {
            assert_eq!(code(kit.ingest("leave.md", bytes).await), expected, "{bytes:?}");
        }
    }
    assert_eq!(code(kit.ingest("", LEAVE).await), "bad_source");
    let huge = vec![b'a'; MAX_DOCUMENT_BYTES as usize + 1];
    assert_eq!(code(kit.ingest("leave.md", huge).await), "too_large");
    let document = kit.document("leave.md").await;
    assert_eq!((document.version_number, document.chunk_count), (1, 2));
    assert_eq!(kit.stored("leave.md").await, 2);
}

#[tokio::test]
async fn a_removed_document_is_gone_and_can_come_back() {
    let Some(kit) = Kit::new().await else { return };
    let added = kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    kit.remove(added.document).await.expect("it is deleted");
    assert_eq!(kit.stored("leave.md").await, 0);
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 0);
    let error = kit.remove(added.document).await.expect_err("it is gone");
    assert_eq!(error.code(), "not_found");
    let back = kit.ingest("leave.md", LEAVE).await.expect("it is ingested again");
    assert_eq!((back.outcome, back.document), (Outcome::Added, added.document));
    assert_eq!(kit.stored("leave.md").await, 2);
}

#[tokio::test]
async fn the_same_source_many_times_at_once_is_one_version() {
    let Some(kit) = Kit::new().await else { return };
    let all = futures::future::join_all((0..8).map(|_| kit.ingest("leave.md", LEAVE))).await;
    let outcomes: Vec<Outcome> = all.into_iter().map(|one| one.expect("it is ingested").outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Added).count(), 1);
    assert_eq!(kit.document("leave.md").await.version_number, 1);
    assert_eq!(kit.stored("leave.md").await, 2);

    let contents = (1..=6).map(|n| kit.ingest("leave.md", format!("# V{n}\n\nContent number {n}.\n")));
    for one in futures::future::join_all(contents).await {
        one.expect("each content is live for a moment");
    }
    assert_eq!(kit.stored("leave.md").await, 1);
}

#[tokio::test]
async fn a_document_in_a_collection_that_is_not_there_is_refused() {
    let Some(kit) = Kit::new().await else { return };
    let elsewhere = domain::CollectionId::derive(WORKSPACE, "nowhere");
    let item = IngestItem { collection: elsewhere, ..kit.item("leave.md", LEAVE) };
    assert_eq!(code(kit.pipeline.ingest(item).await), "not_found");
}

#[tokio::test]
async fn an_earlier_version_is_restored_as_a_new_one() {
    let Some(kit) = Kit::new().await else { return };
    let old = kit.ingest("leave.md", "# Leave\n\nFifteen days.").await.expect("it is ingested");
    kit.ingest("leave.md", "# Leave\n\nTwenty weeks.").await.expect("it is ingested");
    let back = kit.restore_version(old.document, 1).await.expect("it is restored");
    assert_eq!(back.outcome, Outcome::Updated);
    assert_eq!(kit.document("leave.md").await.version_number, 3);
    assert_eq!((kit.find_words("fifteen").await.len(), kit.find_words("twenty").await.len()), (1, 0));
    let again = kit.restore_version(old.document, 3).await.expect("it is live already");
    assert_eq!(again.outcome, Outcome::Unchanged);
    let absent = kit.restore_version(old.document, 7).await.expect_err("there is none");
    assert_eq!(absent.code(), "not_found");
    let changed =
        kit.ingest("leave.md", "# Leave\n\nTwenty weeks.").await.expect("its source has not changed");
    assert_eq!(changed.outcome, Outcome::Updated, "its source counts as changed");
    kit.assert_whole().await;
}

#[tokio::test]
async fn the_original_of_a_document_is_kept() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    let hash = kit.document("leave.md").await.content_hash;
    assert_eq!(kit.originals.read(&hash).await.expect("it is kept"), LEAVE.as_bytes());
    kit.ingest("logo.png", b"\x89PNG\r\n\x1a\n".to_vec()).await.expect_err("it is no document");
    assert_eq!(kit.originals.list().await.expect("a list"), [hash], "only documents are kept");
}
