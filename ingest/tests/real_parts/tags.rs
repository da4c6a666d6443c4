//! Tests the tags and dates of one document.

use crate::kit::Kit;
use domain::DocumentId;
use ingest::{IngestItem, Ingested, Outcome};
use jiff::Timestamp;

const LEAVE: &str = "# Leave\n\nEvery employee gets fifteen days of annual leave.\n";
const MORE_LEAVE: &str = "# Leave\n\nEvery employee gets twenty days of annual leave.\n";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn date() -> Timestamp {
    "2020-02-29T12:00:00Z".parse().expect("a time")
}

/// Ingests the text with these tags.
async fn tag(kit: &Kit, text: &str, tags: &[&str]) -> Ingested {
    let item = IngestItem { tags: Some(words(tags)), dated_at: Some(date()), ..kit.item("leave.md", text) };
    kit.pipeline.ingest(item).await.expect("it is ingested")
}

#[tokio::test]
async fn new_tags_make_a_new_version_whose_chunks_are_found_by_them() {
    let Some(kit) = Kit::new().await else { return };
    assert_eq!(tag(&kit, LEAVE, &["hr", "2020"]).await.outcome, Outcome::Added);
    assert_eq!(tag(&kit, LEAVE, &[" 2020", "hr", "hr"]).await.outcome, Outcome::Unchanged, "the same tags");
    assert_eq!(kit.find_tagged("annual leave", "hr").await, [words(&["2020", "hr"])]);

    // "인사" as macOS writes it.
    let updated = tag(&kit, LEAVE, &["\u{110b}\u{1175}\u{11ab}\u{1109}\u{1161}"]).await;
    assert_eq!((updated.outcome, updated.chunks), (Outcome::Updated, 1));
    let document = kit.document("leave.md").await;
    assert_eq!((document.version_number, document.tags, document.dated_at), (2, words(&["인사"]), date()));
    assert_eq!(kit.find_tagged("annual leave", "인사").await.len(), 1);
    assert!(kit.find_tagged("annual leave", "hr").await.is_empty(), "the old chunks are gone");
    assert_eq!(kit.stored("leave.md").await, 1);
}

#[tokio::test]
async fn without_tags_a_document_keeps_its_own_and_a_date_alone_changes_nothing() {
    let Some(kit) = Kit::new().await else { return };
    tag(&kit, LEAVE, &["hr"]).await;
    let touched = IngestItem { dated_at: Some(Timestamp::now()), ..kit.item("leave.md", LEAVE) };
    assert_eq!(kit.pipeline.ingest(touched).await.expect("nothing to do").outcome, Outcome::Unchanged);
    assert_eq!(kit.document("leave.md").await.dated_at, date());

    let begun_at = Timestamp::now().as_millisecond();
    kit.ingest("leave.md", MORE_LEAVE).await.expect("it is updated");
    let document = kit.document("leave.md").await;
    assert_eq!((document.version_number, document.tags), (2, words(&["hr"])));
    assert!(document.dated_at.as_millisecond() >= begun_at, "of an unknown date, it is dated when it came");

    assert_eq!(tag(&kit, MORE_LEAVE, &[]).await.outcome, Outcome::Updated, "an empty list takes them away");
    assert!(kit.find_tagged("annual leave", "hr").await.is_empty());
}

#[tokio::test]
async fn tags_are_updated_from_the_stored_text_and_survive_a_reindex() {
    let Some(kit) = Kit::new().await else { return };
    let document = tag(&kit, LEAVE, &[]).await.document;
    for (tags, outcome) in [(["규정"], Outcome::Updated), (["규정"], Outcome::Unchanged)] {
        let done = kit.update_tags(document, words(&tags)).await.expect("tagged");
        assert_eq!(done.outcome, outcome);
    }
    let build = kit.begin_build().await;
    assert!(kit.reindex(&build, |_| {}).await.expect("it is rebuilt").switched);
    let kept = kit.document("leave.md").await;
    assert_eq!((kept.tags, kept.dated_at, kept.title.as_str()), (words(&["규정"]), date(), "Leave"));
    assert_eq!(kit.find_tagged("annual leave", "규정").await.len(), 1);
    assert_eq!(kit.find_words("annual leave").await[0].chunk.dated_at, date());

    let bad = kit.update_tags(document, words(&["a\0"])).await.expect_err("a NUL");
    assert_eq!(bad.code(), "bad_tags");
    let unknown = DocumentId::derive(kit.collection.id, "nothing.md");
    let missing = kit.update_tags(unknown, words(&["a"])).await.expect_err("not there");
    assert_eq!(missing.code(), "not_found");
}

#[tokio::test]
async fn tags_and_content_updated_at_once_are_both_kept() {
    let Some(kit) = Kit::new().await else { return };
    let document = tag(&kit, LEAVE, &["hr"]).await.document;
    let (content, tags) =
        tokio::join!(kit.ingest("leave.md", MORE_LEAVE), kit.update_tags(document, words(&["인사"])),);
    content.expect("it is updated");
    tags.expect("tagged");
    assert_eq!(kit.document("leave.md").await.tags, words(&["인사"]));
    assert_eq!(kit.find_words("twenty days").await.len(), 1, "the newer content stays");
    assert_eq!(kit.stored("leave.md").await, 1);
}
