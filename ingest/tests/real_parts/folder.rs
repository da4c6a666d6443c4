//! Tests that a collection follows its folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::{Kit, WORKSPACE};
use ingest::{IngestError, IngestReport, RemovalLimit, SyncEvent, SyncRequest, sync_folder, walk};
use jiff::Timestamp;

fn docs(kit: &Kit) -> PathBuf {
    let docs = kit.folder.path().join("docs");
    fs::create_dir_all(docs.join("규정")).expect("a folder");
    docs
}

fn request(kit: &Kit, root: &Path) -> SyncRequest {
    SyncRequest {
        workspace: WORKSPACE,
        collection: kit.collection.id,
        root: root.to_owned(),
        tags: None,
        force: false,
        prune: true,
        removals: RemovalLimit::Few,
    }
}

async fn sync(kit: &Kit, root: &Path, prune: bool) -> Result<(IngestReport, Vec<SyncEvent>), IngestError> {
    let request = SyncRequest { prune, ..request(kit, root) };
    let mut events = Vec::new();
    let report = sync_folder(&kit.context, request, |event| events.push(event)).await?;
    Ok((report, events))
}

/// Added, updated, moved, unchanged, removed, failed.
fn counts(report: &IngestReport) -> [u64; 6] {
    let failed = report.failed.len() as u64;
    [report.added, report.updated, report.moved, report.unchanged, report.removed, failed]
}

#[tokio::test]
async fn a_collection_follows_its_folder() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    fs::write(root.join("leave.md"), "# Leave\n\nFifteen days.\n").expect("a file");
    fs::write(root.join("규정/여비.txt"), "출장 여비는 하루 5만원입니다.\n").expect("a file");
    fs::write(root.join("faq.html"), "<html><body><main><h1>FAQ</h1><p>Ask us.</p></main></body></html>")
        .expect("a file");
    let (report, events) = sync(&kit, &root, true).await.expect("it is ingested");
    assert_eq!(counts(&report), [3, 0, 0, 0, 0, 0]);
    assert_eq!(report.chunks, 3);
    assert_eq!(events.first(), Some(&SyncEvent::Found { files: 3 }));
    let progress = events.iter().filter(|event| matches!(event, SyncEvent::Progress { .. })).count();
    assert_eq!((events.len() - progress, progress), (4, 3), "each is one batch of chunks");

    let (report, _) = sync(&kit, &root, true).await.expect("nothing to do");
    assert_eq!(counts(&report), [0, 0, 0, 3, 0, 0]);
    assert_eq!(report.chunks, 0);

    fs::write(root.join("leave.md"), "# Leave\n\nTwenty days.\n").expect("a file");
    fs::rename(root.join("규정/여비.txt"), root.join("규정/출장.txt")).expect("a move");
    fs::remove_file(root.join("faq.html")).expect("a removal");
    let (report, _) = sync(&kit, &root, true).await.expect("it follows");
    assert_eq!(counts(&report), [0, 1, 1, 0, 1, 0]);
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 2);
    let found = kit.find_words("출장 여비").await;
    assert_eq!(found.len(), 1, "the moved file is found once");
    assert!(found[0].chunk.source.ends_with("규정/출장.txt"));
}

#[tokio::test]
async fn a_file_that_fails_is_named_and_its_document_stays() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    fs::write(root.join("a.md"), "# A\n\nGood text.\n").expect("a file");
    fs::write(root.join("b.md"), "# B\n\nMore text.\n").expect("a file");
    sync(&kit, &root, true).await.expect("it is ingested");
    fs::write(root.join("b.md"), "").expect("a file");
    fs::write(root.join("logo.png"), b"\x89PNG\r\n\x1a\n\0\0").expect("a file");
    let (report, events) = sync(&kit, &root, true).await.expect("the rest is ingested");
    assert_eq!(counts(&report), [0, 0, 0, 1, 0, 2]);
    let mut codes: Vec<(&str, &str)> = report
        .failed
        .iter()
        .map(|failed| (failed.source.rsplit('/').next().unwrap_or_default(), failed.code.as_str()))
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [("b.md", "empty"), ("logo.png", "unsupported_type")]);
    assert!(events.iter().any(|event| matches!(event, SyncEvent::Failed(failed) if failed.code == "empty")));
    assert_eq!(kit.find_words("more").await.len(), 1, "the last good version answers");
}

#[tokio::test]
async fn without_pruning_nothing_is_deleted() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    fs::write(root.join("a.md"), "# A\n\nFirst text.\n").expect("a file");
    fs::write(root.join("b.md"), "# B\n\nSecond text.\n").expect("a file");
    sync(&kit, &root, false).await.expect("it is ingested");
    fs::remove_file(root.join("a.md")).expect("a removal");
    let (report, _) = sync(&kit, &root, false).await.expect("nothing to do");
    assert_eq!(counts(&report), [0, 0, 0, 1, 0, 0]);
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 2);
}

#[tokio::test]
async fn a_folder_that_is_empty_or_not_there_deletes_nothing() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    fs::write(root.join("a.md"), "# A\n\nFirst text.\n").expect("a file");
    sync(&kit, &root, true).await.expect("it is ingested");
    fs::remove_file(root.join("a.md")).expect("a removal");
    assert_eq!(sync(&kit, &root, true).await.expect_err("empty").code(), "no_files");
    fs::remove_dir_all(&root).expect("a removal");
    assert_eq!(sync(&kit, &root, true).await.expect_err("not there").code(), "unreadable");
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 1);
}

#[tokio::test]
async fn a_folder_that_lost_much_is_reported_and_deletes_nothing_until_it_is_allowed() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    let write =
        |name: &str| fs::write(root.join(name), format!("# {name}\n\nThis is {name}.")).expect("a file");
    let names = ["a.md", "b.md", "c.md", "d.md", "e.md"];
    names.into_iter().for_each(write);
    sync(&kit, &root, true).await.expect("it is ingested");
    for name in &names[1..] {
        fs::remove_file(root.join(name)).expect("a removal");
    }
    write("f.md");
    let (report, _) = sync(&kit, &root, true).await.expect("the rest is done");
    assert_eq!(counts(&report), [1, 0, 0, 1, 0, 1], "what is new is ingested");
    assert_eq!(report.failed[0].code, "too_many_removals");
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 6);
    let allowed = SyncRequest { removals: RemovalLimit::Unlimited, ..request(&kit, &root) };
    let report = sync_folder(&kit.context, allowed, |_| {}).await.expect("it follows");
    assert_eq!(counts(&report), [0, 0, 0, 2, 4, 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_became_a_link_keeps_its_document_and_is_not_followed() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    let secret = kit.folder.path().join("secret.md");
    fs::write(&secret, "# Secret\n\nNobody may know.").expect("a file");
    fs::write(root.join("a.md"), "# A\n\nFirst text.\n").expect("a file");
    fs::write(root.join("b.md"), "# B\n\nSecond text.\n").expect("a file");
    sync(&kit, &root, true).await.expect("it is ingested");
    let found = walk(&root).expect("a listing");
    fs::remove_file(root.join("a.md")).expect("a removal");
    std::os::unix::fs::symlink(&secret, root.join("a.md")).expect("a link");
    let listed = found.files.iter().find(|file| file.source.ends_with("/a.md")).expect("it was a file");
    assert_eq!(listed.read().expect_err("it is a link now").code(), "unreadable");
    let (report, _) = sync(&kit, &root, true).await.expect("the rest is done");
    assert_eq!(counts(&report), [0, 0, 0, 1, 0, 1]);
    assert_eq!(report.failed[0].code, "not_regular_file");
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 2);
}

#[tokio::test]
async fn a_folder_dates_its_documents_and_tags_them_on_request() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    let write = |name: &str, text: &str, date: &str| {
        fs::write(root.join(name), text).expect("a file");
        let file = fs::File::options().write(true).open(root.join(name)).expect("the file");
        file.set_modified(time(date).try_into().expect("a system's time")).expect("a date");
    };
    let document = async |name: &str| {
        let source = walk(&root.join(name)).expect("the file").files[0].source.clone();
        kit.document(&source).await
    };
    write("leave.md", "# Leave\n\nFifteen days.\n", "2024-05-01T09:00:00Z");
    write("travel.md", "# Travel\n\nBy train.\n", "2025-05-01T09:00:00Z");
    sync(&kit, &root, true).await.expect("it is ingested");
    assert_eq!(document("leave.md").await.dated_at, time("2024-05-01T09:00:00Z"));

    write("leave.md", "# Leave\n\nFifteen days.\n", "2026-05-01T09:00:00Z");
    let (report, _) = sync(&kit, &root, true).await.expect("nothing to do");
    assert_eq!(counts(&report), [0, 0, 0, 2, 0, 0], "a file that was only touched has not changed");
    assert_eq!(document("leave.md").await.dated_at, time("2024-05-01T09:00:00Z"));

    // "인사" as macOS writes it.
    let tags = Some(vec![" hr".to_owned(), "\u{110b}\u{1175}\u{11ab}\u{1109}\u{1161}".to_owned()]);
    let tagged = SyncRequest { tags, ..request(&kit, &root) };
    for expected in [[0, 2, 0, 0, 0, 0], [0, 0, 0, 2, 0, 0]] {
        let report = sync_folder(&kit.context, tagged.clone(), |_| {}).await.expect("tagged");
        assert_eq!(counts(&report), expected);
    }
    assert_eq!(kit.find_tagged("days train", "인사").await.len(), 2);

    fs::rename(root.join("leave.md"), root.join("annual.md")).expect("a move");
    let (report, _) = sync(&kit, &root, true).await.expect("it follows");
    assert_eq!(counts(&report), [0, 0, 1, 1, 0, 0]);
    assert_eq!(document("annual.md").await.tags, ["hr", "인사"], "a file that moved keeps its tags");
}

#[tokio::test]
async fn tags_out_of_bounds_are_refused_before_anything_is_read() {
    let Some(kit) = Kit::new().await else { return };
    let root = docs(&kit);
    fs::write(root.join("a.md"), "# A\n\nText.\n").expect("a file");
    let bad = SyncRequest { tags: Some(vec!["x".repeat(65)]), ..request(&kit, &root) };
    let refused = sync_folder(&kit.context, bad, |_| {}).await.expect_err("too long");
    assert_eq!(refused.code(), "bad_tags");
    assert_eq!(kit.db.count_documents(WORKSPACE).await.expect("a count"), 0);
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}
