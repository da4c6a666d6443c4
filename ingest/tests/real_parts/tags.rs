//! Tags and dates of one document, on real parts.

use crate::kit::{Kit, WORKSPACE};
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

/// Takes the text in with these tags.
async fn tag(kit: &Kit, text: &str, tags: &[&str]) -> Ingested {
    let item = IngestItem { tags: Some(words(tags)), dated_at: Some(date()), ..kit.item("leave.md", text) };
    kit.pipeline.ingest(item).await.expect("it comes in")
}

#[tokio::test]
async fn other_tags_are_a_new_version_and_their_chunks_are_found_by_them() {
    let Some(kit) = Kit::new().await else { return };
    assert_eq!(tag(&kit, LEAVE, &["hr", "2020"]).await.outcome, Outcome::Added);
    assert_eq!(tag(&kit, LEAVE, &[" 2020", "hr", "hr"]).await.outcome, Outcome::Unchanged, "the same tags");
    assert_eq!(kit.find_tagged("annual leave", "hr").await, [words(&["2020", "hr"])]);

    // "인사" as macOS writes it.
    let retagged = tag(&kit, LEAVE, &["\u{110b}\u{1175}\u{11ab}\u{1109}\u{1161}"]).await;
    assert_eq!((retagged.outcome, retagged.chunks), (Outcome::Updated, 1));
    let document = kit.document("leave.md").await;
    assert_eq!((document.version_number, document.tags, document.dated_at), (2, words(&["인사"]), date()));
    assert_eq!(kit.find_tagged("annual leave", "인사").await.len(), 1);
    assert!(kit.find_tagged("annual leave", "hr").await.is_empty(), "the old chunks are gone");
    assert_eq!(kit.stored("leave.md").await, 1);
}

#[tokio::test]
async fn what_says_nothing_of_tags_leaves_them_and_a_date_alone_changes_nothing() {
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
async fn a_document_is_sorted_anew_from_its_stored_text_and_reindexed_with_what_it_has() {
    let Some(kit) = Kit::new().await else { return };
    let document = tag(&kit, LEAVE, &[]).await.document;
    for (tags, outcome) in [(["규정"], Outcome::Updated), (["규정"], Outcome::Unchanged)] {
        let done = kit.pipeline.retag(WORKSPACE, document, words(&tags), None).await.expect("it is sorted");
        assert_eq!(done.outcome, outcome);
    }
    let build = kit.begin_build().await;
    assert!(kit.pipeline.reindex(&build, |_| {}).await.expect("it is rebuilt").switched);
    let kept = kit.document("leave.md").await;
    assert_eq!((kept.tags, kept.dated_at, kept.title.as_str()), (words(&["규정"]), date(), "Leave"));
    assert_eq!(kit.find_tagged("annual leave", "규정").await.len(), 1);
    assert_eq!(kit.find_words("annual leave").await[0].chunk.dated_at, date());

    let bad = kit.pipeline.retag(WORKSPACE, document, words(&["a\0"]), None).await.expect_err("a NUL");
    assert_eq!(bad.code(), "bad_tags");
    let unknown = DocumentId::derive(kit.collection.id, "nothing.md");
    let missing = kit.pipeline.retag(WORKSPACE, unknown, words(&["a"]), None).await.expect_err("not there");
    assert_eq!(missing.code(), "not_found");
}

#[tokio::test]
async fn tags_given_at_once_with_other_contents_lose_neither() {
    let Some(kit) = Kit::new().await else { return };
    let document = tag(&kit, LEAVE, &["hr"]).await.document;
    let (content, tags) = tokio::join!(
        kit.ingest("leave.md", MORE_LEAVE),
        kit.pipeline.retag(WORKSPACE, document, words(&["인사"]), None),
    );
    content.expect("it is updated");
    tags.expect("it is sorted");
    assert_eq!(kit.document("leave.md").await.tags, words(&["인사"]));
    assert_eq!(kit.find_words("twenty days").await.len(), 1, "the newer content stays");
    assert_eq!(kit.stored("leave.md").await, 1);
}
