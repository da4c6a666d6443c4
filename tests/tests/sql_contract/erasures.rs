//! Deletions: no table keeps a text of a deleted document, originals go with the last who needs them, and tombstones are
//! replayed.

use db::{Database, Erasure, FinishedAnswer, JobState, NewEvalQuestion, NewJob, NewVersion, Tombstone};
use domain::{Collection, CollectionId, DocumentId, EvalQuestion, FinishReason, Turn, TurnId, Version};
use futures::TryStreamExt as _;

use crate::conversations::cited;
use crate::{HOME, NEIGHBOUR, ask, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    a_deletion_leaves_no_text,
    a_deletion_is_complete_when_its_versions_are_gone,
    a_renamed_document_keeps_what_is_quoted_of_it,
    an_answer_that_ends_after_a_deletion_quotes_nothing,
    an_original_goes_with_the_last_who_needs_it,
    the_oldest_versions_are_pruned,
    tombstones_are_replayed_once,
    a_collection_is_deleted_document_by_document,
);

/// Every row of every table that holds one of these texts.
async fn rows_with(database: &Database, words: &[&str]) -> Vec<String> {
    let mut snapshot = database.snapshot().await.expect("a snapshot");
    let mut found = Vec::new();
    for table in db::backup_tables() {
        let rows: Vec<String> =
            snapshot.rows(table).await.expect("a table").try_collect().await.expect("rows");
        let holds = |row: &String| words.iter().any(|word| row.contains(word));
        found.extend(rows.into_iter().filter(holds).map(|row| format!("{table}: {row}")));
    }
    found
}

fn job(collection: CollectionId, source: &str, content_hash: &str) -> NewJob {
    NewJob {
        workspace: HOME,
        collection,
        source: source.to_owned(),
        content_hash: content_hash.to_owned(),
        tags: Some(vec!["비밀".to_owned()]),
        dated_at: None,
        forced: false,
    }
}

/// An answer that quotes the one version of `leave.md`.
async fn answered(database: &Database, reason: FinishReason) -> TurnId {
    let chat = database.create_conversation(HOME).await.expect("begun").id;
    let [_, Turn { id: answer, .. }] = ask(database, chat, "며칠?").await;
    let quoting = quoting(database, reason).await;
    database.finish_answer(HOME, answer, quoting).await.expect("finished");
    answer
}

async fn quoting(database: &Database, finish_reason: FinishReason) -> FinishedAnswer {
    let content = "문장입니다.\n\n- 연차는 15일이다. [1]".to_owned();
    FinishedAnswer { finish_reason, content, ..cited(database).await }
}

/// The one version of `leave.md`, live.
async fn published(database: &Database, collection: &Collection) -> Version {
    let version = begin(database, leave(collection, "15 days")).await;
    database.publish_version(HOME, version.id, 3).await.expect("published");
    version
}

async fn unfinished(database: &Database) -> Vec<Erasure> {
    database.unfinished_erasures(None, 10).await.expect("listed")
}

async fn a_deletion_leaves_no_text(database: &Database) {
    let collection = handbook(database).await;
    let queued =
        database.enqueue_job(job(collection.id, "leave.md", "hash of 16 days")).await.expect("queued");
    let claimed = database.claim_job(std::time::Duration::from_secs(60)).await.expect("asked").expect("due");
    let error = db::JobError { code: "bad".to_owned(), message: "line 3: 연차는 15일이다".to_owned() };
    database.fail_job(claimed.lease(), error).await.expect("failed");
    let again =
        database.enqueue_job(job(collection.id, "leave.md", "hash of 17 days")).await.expect("queued");
    let other = database.enqueue_job(job(collection.id, "other.md", "hash of other")).await.expect("queued");
    let turns =
        [answered(database, FinishReason::Stop).await, answered(database, FinishReason::Extractive).await];
    let live = published(database, &collection).await;
    let question = EvalQuestion {
        question: "며칠?".to_owned(),
        history: Vec::new(),
        expected: vec!["leave.md".to_owned()],
        answer: Some("연차는 15일이다".to_owned()),
    };
    database
        .add_eval_questions(HOME, collection.id, &[NewEvalQuestion { question, turn: None }])
        .await
        .expect("added");
    let page = db::WebPage { url: "leave.md".to_owned(), etag: None, last_modified: None, links: Vec::new() };
    database.save_web_page(collection.id, "leave", &page).await.expect("noted");
    let tables = ["documents", "versions", "jobs", "web_pages", "turns", "turn_passages", "eval_questions"];
    let traces = database.traces(HOME, live.document).await.expect("searched");
    let found: Vec<&str> = traces.iter().map(|trace| trace.table).collect();
    assert_eq!(found, tables.into_iter().filter(|table| *table != "jobs").collect::<Vec<_>>());

    let tombstone = database.delete_document(HOME, live.document).await.expect("deleted");

    assert_eq!((tombstone.workspace, tombstone.document), (HOME, live.document));
    let left = rows_with(database, &["15 days", "연차는 15일이다", "복지", "비밀", "hash of 15"]).await;
    // What the generator wrote in its own words is the conversation's, and another document's job is not touched.
    let left: Vec<&String> = left.iter().filter(|row| !row.contains(&other.id.to_string())).collect();
    assert_eq!(left.len(), 1, "{left:#?}");
    assert!(left[0].starts_with("turns: ") && left[0].contains("\"stop\""), "{left:#?}");
    for turn in turns {
        let citation = database.turn(HOME, turn).await.expect("kept").citations[0].clone();
        assert_eq!((citation.number, citation.title.as_str(), citation.deleted), (1, "휴가", true));
        assert_eq!((citation.text.as_str(), citation.page), ("", None));
        let passages = database.turn_passages(HOME, turn).await.expect("kept");
        assert!(passages.len() == 2 && passages.iter().all(|passage| passage.chunk.text.is_empty()));
    }
    let extractive = database.turn(HOME, turns[1]).await.expect("kept").content;
    assert_eq!(extractive, "문장입니다.\n\n- … [1]");
    let failed = database.job(HOME, queued.id).await.expect("kept");
    assert_eq!((failed.state, failed.error.expect("an error").code.as_str()), (JobState::Failed, "bad"));
    assert_eq!(database.job(HOME, again.id).await.expect("kept").state, JobState::Cancelled);
    assert_eq!(database.job(HOME, other.id).await.expect("kept").state, JobState::Queued);
    assert_eq!(database.web_pages(collection.id, "leave").await, Ok(Vec::new()));
    let questions = database.eval_questions(HOME, collection.id).await.expect("kept");
    assert_eq!((questions[0].question.answer.as_deref(), questions.len()), (None, 1));
    let traces = database.traces(HOME, live.document).await.expect("searched");
    assert_eq!(
        traces.iter().map(|trace| trace.table).collect::<Vec<_>>(),
        ["versions"],
        "until points are gone"
    );
}

async fn a_deletion_is_complete_when_its_versions_are_gone(database: &Database) {
    let collection = handbook(database).await;
    let live = published(database, &collection).await;
    database.delete_document(HOME, live.document).await.expect("deleted");
    let erasures = unfinished(database).await;
    let [erasure] = erasures.as_slice() else { panic!("{erasures:?}") };
    assert_eq!((erasure.document, erasure.last_number), (live.document, 1));
    assert!(!database.delete_erased_versions(*erasure).await.expect("asked"), "its points may be there");
    // Ingested again meanwhile: that version is another one, and stays.
    let newer = begin(database, leave(&collection, "15 days")).await;
    assert_eq!(newer.number, 2);
    database.publish_version(HOME, newer.id, 3).await.expect("published");
    database.erase_rows(live.document).await.expect("repeated");
    assert_eq!(database.erased_versions(*erasure).await, Ok(vec![live.id]));
    database.mark_chunks_removed(live.id).await.expect("noted");
    assert!(database.delete_erased_versions(*erasure).await.expect("asked"));
    database.finish_erasure(*erasure).await.expect("finished");
    assert_eq!(unfinished(database).await, []);
    assert_eq!(database.document(HOME, live.document).await.expect("there").live_version, Some(newer.id));
    assert_eq!(database.version(HOME, newer.id).await.expect("there").text, "15 days");
    // And once more: numbers go on without any row.
    database.delete_document(HOME, live.document).await.expect("deleted");
    let erasure = unfinished(database).await[0];
    database.mark_chunks_removed(newer.id).await.expect("noted");
    assert!(database.delete_erased_versions(erasure).await.expect("asked"));
    database.finish_erasure(erasure).await.expect("finished");
    assert_eq!(begin(database, leave(&collection, "15 days")).await.number, 3);
    assert_eq!(database.traces(NEIGHBOUR, live.document).await, Ok(Vec::new()), "a foreign id has none");
}

async fn a_renamed_document_keeps_what_is_quoted_of_it(database: &Database) {
    let collection = handbook(database).await;
    let turn = answered(database, FinishReason::Stop).await;
    let live = published(database, &collection).await;
    let renamed = NewVersion { source: "휴가.md".to_owned(), ..leave(&collection, "15 days") };
    let renamed = begin(database, renamed).await.document;
    database.delete_moved_document(HOME, live.document, renamed).await.expect("deleted");
    let citation = database.turn(HOME, turn).await.expect("kept").citations[0].clone();
    assert_eq!((citation.document, citation.deleted), (renamed, false));
    assert!(!citation.text.is_empty());
    let passages = database.turn_passages(HOME, turn).await.expect("kept");
    assert!(
        passages.iter().all(|passage| passage.chunk.document == renamed && !passage.chunk.text.is_empty())
    );
    assert_eq!(database.tombstones().await, Ok(Vec::new()), "its content is still wanted");
    database.delete_document(HOME, renamed).await.expect("deleted");
    assert!(database.turn(HOME, turn).await.expect("kept").citations[0].deleted);
}

async fn an_answer_that_ends_after_a_deletion_quotes_nothing(database: &Database) {
    let collection = handbook(database).await;
    let chat = database.create_conversation(HOME).await.expect("begun").id;
    let [_, Turn { id: answer, .. }] = ask(database, chat, "며칠?").await;
    let quoting = quoting(database, FinishReason::Extractive).await;
    let live = published(database, &collection).await;
    database.delete_document(HOME, live.document).await.expect("deleted");
    let finished = database.finish_answer(HOME, answer, quoting).await.expect("finished");
    assert!(finished.citations[0].deleted);
    assert_eq!(rows_with(database, &["연차는 15일이다"]).await, [""; 0]);
}

/// Whether the original is released and nobody needs it.
async fn is_unreferenced(database: &Database, hash: &str) -> bool {
    let released = database.released_originals("", 100).await.expect("listed");
    if !released.iter().any(|released| released == hash) {
        return false;
    }
    match database.lock_unreferenced_original(hash).await.expect("asked") {
        Some(unused) => {
            assert_eq!(unused.content_hash(), hash);
            unused.removed().await.expect("noted");
            true
        }
        None => false,
    }
}

async fn an_original_goes_with_the_last_who_needs_it(database: &Database) {
    let collection = handbook(database).await;
    let same = |source: &str| NewVersion { source: source.to_owned(), ..leave(&collection, "15 days") };
    let mut documents: Vec<DocumentId> = Vec::new();
    for source in ["a.md", "b.md"] {
        let version = begin(database, same(source)).await;
        database.publish_version(HOME, version.id, 1).await.expect("published");
        documents.push(version.document);
    }
    let hash = "hash of 15 days";
    database.delete_document(HOME, documents[0]).await.expect("deleted");
    assert!(!is_unreferenced(database, hash).await, "the other document needs it");
    assert!(!is_unreferenced(database, hash).await, "and it is not listed any more");
    let waiting = database.enqueue_job(job(collection.id, "c.md", hash)).await.expect("queued");
    database.delete_document(HOME, documents[1]).await.expect("deleted");
    assert!(!is_unreferenced(database, hash).await, "a job needs it");
    database.cancel_job(HOME, waiting.id).await.expect("cancelled");
    let third = begin(database, same("c.md")).await;
    database.delete_document(HOME, third.document).await.expect("deleted");
    assert!(is_unreferenced(database, hash).await, "the job can be retried no more");
    assert!(!is_unreferenced(database, hash).await, "it is gone");
}

async fn the_oldest_versions_are_pruned(database: &Database) {
    let collection = handbook(database).await;
    let mut versions = Vec::new();
    for text in ["1", "2", "3", "4"] {
        let version = begin(database, leave(&collection, text)).await;
        database.publish_version(HOME, version.id, 1).await.expect("published");
        versions.push(version);
    }
    let document = versions[0].document;
    let numbers = async || {
        let kept = database.version_history(HOME, document, None, 10).await.expect("listed");
        kept.into_iter().map(|version| version.number).collect::<Vec<_>>()
    };
    assert_eq!(database.prune_versions(HOME, document, 2).await, Ok(0), "their points are still there");
    for version in &versions[..3] {
        database.mark_chunks_removed(version.id).await.expect("noted");
    }
    assert_eq!(database.prune_versions(HOME, document, 4).await, Ok(0));
    assert_eq!(database.prune_versions(NEIGHBOUR, document, 1).await, Ok(0));
    assert_eq!(database.prune_versions(HOME, document, 2).await, Ok(2));
    assert_eq!(numbers().await, [4, 3]);
    assert!(is_unreferenced(database, "hash of 1").await && is_unreferenced(database, "hash of 2").await);
    assert!(!is_unreferenced(database, "hash of 3").await);
    assert_eq!(database.prune_versions(HOME, document, 1).await, Ok(1));
    assert_eq!(numbers().await, [4], "the live version always stays");
}

async fn tombstones_are_replayed_once(database: &Database) {
    let collection = handbook(database).await;
    let live = published(database, &collection).await;
    let later =
        jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond() + 1).expect("a time");
    let tombstone = Tombstone { workspace: HOME, document: live.document, erased_at: later };
    let unknown = Tombstone { document: DocumentId::derive(collection.id, "unknown.md"), ..tombstone };
    assert_eq!(database.replay_tombstones(&[unknown, tombstone]).await, Ok(1));
    let mut known = database.tombstones().await.expect("listed");
    known.sort_by_key(|tombstone| tombstone.document != live.document);
    assert_eq!(known, [tombstone, unknown]);
    // What is ingested after its tombstone was seen is not what was deleted.
    let unknown_source = NewVersion { source: "unknown.md".to_owned(), ..leave(&collection, "9 days") };
    let ingested = begin(database, unknown_source).await;
    database.publish_version(HOME, ingested.id, 1).await.expect("published");
    assert_eq!(database.replay_tombstones(&[unknown]).await, Ok(0));
    assert_eq!(database.version(HOME, ingested.id).await.expect("there").text, "9 days");
    assert_eq!(rows_with(database, &["15 days"]).await, [""; 0]);
    assert_eq!(unfinished(database).await.len(), 1);
    // A document that is ingested again is not the one that was deleted.
    let newer = begin(database, leave(&collection, "16 days")).await;
    database.publish_version(HOME, newer.id, 1).await.expect("published");
    assert_eq!(database.replay_tombstones(&[tombstone]).await, Ok(0));
    assert_eq!(database.document(HOME, live.document).await.expect("there").live_version, Some(newer.id));
}

async fn a_collection_is_deleted_document_by_document(database: &Database) {
    let collection = handbook(database).await;
    let live = published(database, &collection).await;
    let other = NewVersion { source: "b.md".to_owned(), ..leave(&collection, "16 days") };
    let other = begin(database, other).await;
    let deleted_before = NewVersion { source: "c.md".to_owned(), ..leave(&collection, "17 days") };
    let deleted_before = begin(database, deleted_before).await;
    database.delete_document(HOME, deleted_before.document).await.expect("deleted");
    let tombstones = database.delete_collection(HOME, collection.id).await.expect("deleted");
    let mut documents: Vec<DocumentId> = tombstones.iter().map(|tombstone| tombstone.document).collect();
    documents.sort();
    let mut expected = vec![live.document, other.document];
    expected.sort();
    assert_eq!(documents, expected);
    for erasure in unfinished(database).await {
        database.erase_rows(erasure.document).await.expect("erased");
    }
    assert_eq!(rows_with(database, &["15 days", "16 days", "17 days"]).await, [""; 0]);
    assert_eq!(database.tombstones().await.expect("listed").len(), 3);
}
