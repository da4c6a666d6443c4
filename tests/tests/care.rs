//! Maintenance: backups while a server answers, restored elsewhere, and the doctor's findings.

#![allow(clippy::unwrap_used)] // In a test it is the report.

mod holdings;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use db::Database;
use domain::{ChunkId, DocumentId, Selection, VectorStore, VersionId, WorkspaceId};
use retriever::store::embedded::EmbeddedStore;
use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::server::Server;
use tests::story::{self, collection, get, small_daedap};

use crate::holdings::holdings;

const HOME: WorkspaceId = WorkspaceId::DEFAULT;
const QUESTION: &str = "When does the north gate close?";

fn message_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn succeeds(daedap: &Daedap, arguments: &[&str]) -> Value {
    let output = daedap.run(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", message_of(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The message of a command that must fail.
async fn fails(daedap: &Daedap, arguments: &[&str]) -> String {
    let output = daedap.run(arguments).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", message_of(&output));
    let message = message_of(&output);
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// A folder of some documents in both languages.
fn folder_of_documents() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("문.md", "# 출입문\n\n출입문 비밀번호는 분기마다 바뀝니다."),
        ("gate.md", "# Gate\n\nThe north gate closes at 22:00."),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let rules: String = (0..12)
        .map(|n| format!("## Rule {n}\n\n{}\n\n", format!("Rule {n} is kept by all. ").repeat(40)))
        .collect();
    std::fs::write(folder.path().join("rules.md"), format!("# Rules\n\n{rules}")).unwrap();
    folder
}

/// What a search finds, with its scores.
async fn found(daedap: &Daedap) -> Value {
    succeeds(daedap, &["search", QUESTION, "--json"]).await["passages"].clone()
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_backup_of_a_busy_server_is_the_same_elsewhere() {
    let (data, elsewhere, out) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(daedap) = small_daedap(data.path()) else { return };
    let Some(other) = small_daedap(elsewhere.path()) else { return };
    let documents = folder_of_documents();
    let path = documents.path().to_str().unwrap();
    let file = out.path().join("all.daedap");
    let file = file.to_str().unwrap();
    let server = Server::start(daedap.clone()).await;
    assert_eq!(succeeds(&daedap, &["ingest", path, "--json"]).await["added"], 3);
    // Others write while it is made.
    let rules = collection(&server, "more").await;
    let arguments = ["backup", file, "--json"];
    let (backup, ()) = tokio::join!(succeeds(&daedap, &arguments), async {
        for number in 0..6 {
            let text = format!("# Note {number}\n\nNote {number} says nothing of gates.");
            story::add_document(&server, &rules, &format!("{number}.md"), text.into_bytes()).await;
        }
    });
    assert!(backup["originals"].as_u64().unwrap() >= 3, "{backup}");
    assert!(backup["points"].as_u64().unwrap() > 3, "{backup}");
    assert_eq!(files_of(out.path()).len(), 1, "nothing is left beside it");
    let refused = fails(&daedap, &["backup", file]).await;
    assert!(refused.contains("--force"), "{refused}");
    let before = found(&daedap).await;
    assert!(fails(&daedap, &["restore", file]).await.contains("stop the server"));
    succeeds(&daedap, &["backup", file, "--force", "--json"]).await;
    assert!(server.stop().await.success());

    let restored = succeeds(&other, &["restore", file, "--json"]).await;
    assert_eq!(restored["embedded_again"], 0, "{restored}");
    assert_eq!((&restored["reindex"], &restored["findings"]), (&Value::Null, &json!([])), "{restored}");
    assert_eq!(found(&other).await, before);
    assert_eq!(holdings(elsewhere.path()).await, holdings(data.path()).await);
    let originals = |data: &Path| -> Vec<_> {
        files_of(&data.join("originals")).iter().map(|file| file.file_name().unwrap().to_owned()).collect()
    };
    assert_eq!(originals(elsewhere.path()), originals(data.path()));
    let server = Server::start(other.clone()).await;
    assert_eq!(get(&server, "/api/v1/status").await["documents"], 9);
    assert!(server.stop().await.success());
    let refused = fails(&other, &["restore", file]).await;
    assert!(refused.contains("not empty"), "{refused}");
}

#[tokio::test]
async fn what_is_no_whole_backup_is_refused_and_leaves_nothing() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(daedap) = small_daedap(data.path()) else { return };
    let documents = folder_of_documents();
    succeeds(&daedap, &["ingest", documents.path().to_str().unwrap(), "--json"]).await;
    let file = out.path().join("all.daedap");
    succeeds(&daedap, &["backup", file.to_str().unwrap(), "--json"]).await;
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    let mut longer = whole.clone();
    longer.extend_from_slice(b"and more");
    let elsewhere = tempfile::tempdir().unwrap();
    let Some(other) = small_daedap(elsewhere.path()) else { return };
    for (name, bytes, word) in [
        ("cut", whole[..whole.len() / 2].to_vec(), "damaged"),
        ("shorter", whole[..whole.len() - 1].to_vec(), "damaged"),
        ("flipped", flipped, "damaged"),
        ("longer", longer, "damaged"),
        ("text", b"this is a letter, not a backup".to_vec(), "not a daedap backup"),
        ("empty", Vec::new(), "not a daedap backup"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let refused = fails(&other, &["restore", file.to_str().unwrap()]).await;
        assert!(refused.contains(word), "{name}: {refused}");
    }
    assert!(!elsewhere.path().join("daedap.db").exists(), "nothing was begun");
    let nothing = fails(&other, &["backup", out.path().join("nothing").to_str().unwrap()]).await;
    assert!(nothing.contains("nothing to back up"), "{nothing}");
    std::fs::write(&file, whole).unwrap();
    succeeds(&other, &["restore", file.to_str().unwrap(), "--json"]).await;
    assert_eq!(found(&other).await, found(&daedap).await);
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_no_file() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(daedap) = small_daedap(data.path()) else { return };
    let documents = folder_of_documents();
    let mut server = Server::start(daedap.clone()).await;
    succeeds(&daedap, &["ingest", documents.path().to_str().unwrap(), "--json"]).await;
    let file = out.path().join("all.daedap");
    for milliseconds in [20, 60, 120] {
        let mut child = daedap.command(&["backup", file.to_str().unwrap()]).spawn().unwrap();
        if tokio::time::timeout(Duration::from_millis(milliseconds), child.wait()).await.is_err() {
            child.kill().await.unwrap();
            // A kill between the naming of the finished file and the end of the process leaves that file, which is whole.
            if file.exists() {
                service::backup::format::check(&file)
                    .unwrap_or_else(|error| panic!("after {milliseconds} ms: {error}"));
                std::fs::remove_file(&file).unwrap();
            }
        } else {
            std::fs::remove_file(&file).unwrap();
        }
    }
    // The other end dies.
    let child = daedap.command(&["backup", file.to_str().unwrap()]).spawn().unwrap();
    server.kill().await;
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.success(), file.exists(), "there is a file exactly when it says so");
}

async fn open(data: &Path) -> (Database, EmbeddedStore) {
    let db = Database::open(&db::sqlite_url(&data.join("daedap.db")).unwrap()).await.unwrap();
    let live = db.live_index().await.unwrap().unwrap();
    let store = EmbeddedStore::open(&data.join("vectors").join(live.id.to_string()), &live.space).unwrap();
    (db, store)
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap();
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    codes
}

/// What the doctor finds, then repairs, then finds no more.
async fn is_found_and_repaired(daedap: &Daedap, expected: &[&str]) {
    let output = daedap.run(&["doctor", "--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", message_of(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(codes(&report), expected, "{report}");
    let report = succeeds(daedap, &["doctor", "--fix", "--json"]).await;
    assert_eq!(codes(&report), expected, "{report}");
    assert!(
        report["findings"].as_array().unwrap().iter().all(|finding| finding["mended"] == true),
        "{report}"
    );
    assert_eq!(codes(&succeeds(daedap, &["doctor", "--json"]).await), [""; 0]);
}

#[tokio::test]
async fn the_doctor_repairs_points_that_are_missing_or_too_many() {
    let data = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data.path()) else { return };
    let documents = folder_of_documents();
    succeeds(&daedap, &["ingest", documents.path().to_str().unwrap(), "--json"]).await;
    assert_eq!(codes(&succeeds(&daedap, &["doctor", "--json"]).await), [""; 0]);
    let (before, expected) = (holdings(data.path()).await, found(&daedap).await);
    let (db, store) = open(data.path()).await;
    let all = db.live_documents_after(HOME, None, 10).await.unwrap();
    let [first, second, _] = all.as_slice() else { panic!("{all:?}") };
    store.remove(Selection::Document(HOME, first.id)).await.unwrap();
    let points = store.points(Selection::Document(HOME, second.id), None, 1).await.unwrap();
    let mut extra = points[0].clone();
    extra.chunk.position = 900;
    extra.chunk.id = ChunkId::derive(extra.chunk.version, 900);
    let mut unknown = points[0].clone();
    unknown.chunk.document = DocumentId::derive(second.collection, "nobody.md");
    unknown.chunk.version = VersionId::derive(unknown.chunk.document, 1);
    unknown.chunk.id = ChunkId::derive(unknown.chunk.version, 0);
    store.upsert(vec![extra, unknown]).await.unwrap();
    drop(store);
    db.close().await;
    is_found_and_repaired(&daedap, &["points_extra", "points_missing", "points_unknown"]).await;
    let after = holdings(data.path()).await;
    after.assert_nothing_else();
    assert_eq!(after, before);
    assert_eq!(found(&daedap).await, expected);
}

#[tokio::test]
async fn the_doctor_repairs_a_lost_index_and_removes_what_nobody_names() {
    let data = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data.path()) else { return };
    let documents = folder_of_documents();
    succeeds(&daedap, &["ingest", documents.path().to_str().unwrap(), "--json"]).await;
    let expected = found(&daedap).await;
    std::fs::remove_dir_all(data.path().join("vectors")).unwrap();
    is_found_and_repaired(&daedap, &["index_missing"]).await;
    assert_eq!(found(&daedap).await, expected);
    let stranger = data.path().join("vectors").join("0193a000-0000-7000-8000-000000000000");
    std::fs::create_dir(&stranger).unwrap();
    let own = data.path().join("vectors").join("notes");
    std::fs::create_dir(&own).unwrap();
    is_found_and_repaired(&daedap, &["index_unknown"]).await;
    assert!(!stranger.exists() && own.exists(), "only what looks like an index goes");
}

#[tokio::test]
async fn the_doctor_repairs_what_originals_and_rows_disagree_on() {
    let data = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let id = collection(&server, "rules").await;
    story::add_document(&server, &id, "gate.md", "# Gate\n\nThe north gate closes at 22:00.".into()).await;
    assert_eq!(codes(&succeeds(&daedap, &["doctor", "--json"]).await), [""; 0], "through the server");
    let old = data.path().join("originals").join("0a".repeat(32));
    std::fs::write(&old, "nobody names this").unwrap();
    let new = data.path().join("originals").join("0b".repeat(32));
    std::fs::write(&new, "somebody may be about to").unwrap();
    let hours_ago = std::time::SystemTime::now() - Duration::from_secs(7_200);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(hours_ago).unwrap();
    is_found_and_repaired(&daedap, &["original_unused"]).await;
    assert!(!old.exists() && new.exists());
    assert!(server.stop().await.success());

    // A job whose original is gone, and a document that does without.
    let (db, store) = open(data.path()).await;
    drop(store);
    let job = db::NewJob {
        workspace: HOME,
        collection: id.parse().unwrap(),
        source: "lost.md".to_owned(),
        content_hash: "0c".repeat(32),
        tags: None,
        dated_at: None,
        forced: false,
    };
    let job = db.enqueue_job(job).await.unwrap().id;
    db.close().await;
    for file in files_of(&data.path().join("originals")) {
        std::fs::remove_file(file).unwrap();
    }
    is_found_and_repaired(&daedap, &["original_missing"]).await;
    assert_eq!(succeeds(&daedap, &["doctor", "--json"]).await["without_original"], 1);
    let server = Server::start(daedap.clone()).await;
    let job = get(&server, &format!("/api/v1/jobs/{job}")).await["job"].clone();
    assert_eq!(
        (&job["state"], &job["error"]["code"]),
        (&"failed".into(), &"original_missing".into()),
        "{job}"
    );
    assert_eq!(story::search(&server, QUESTION).await["passages"][0]["title"], "Gate");
}

#[tokio::test]
async fn an_empty_database_is_refused_where_data_was() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(daedap) = small_daedap(data.path()) else { return };
    let documents = folder_of_documents();
    succeeds(&daedap, &["ingest", documents.path().to_str().unwrap(), "--json"]).await;
    let file = out.path().join("all.daedap");
    succeeds(&daedap, &["backup", file.to_str().unwrap(), "--json"]).await;
    let expected = found(&daedap).await;
    // The volume with the database is gone.
    for name in ["daedap.db", "daedap.db-wal", "daedap.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(name));
    }
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["search", "gate"], &["doctor"]] {
        let refused = fails(&daedap, command).await;
        assert!(refused.contains("daedap restore") && refused.contains("installation.json"), "{refused}");
    }
    let restored = daedap.run(&["restore", file.to_str().unwrap(), "--json"]).await;
    let restored: Value = serde_json::from_slice(&restored.stdout).unwrap();
    assert_eq!(codes(&restored), ["index_unknown"], "the index of the lost database is told of: {restored}");
    assert_eq!(found(&daedap).await, expected);
    succeeds(&daedap, &["doctor", "--fix", "--json"]).await;
    // An empty one elsewhere belongs to nobody yet.
    let elsewhere = out.path().join("another.db");
    let moved = daedap.clone().variable("DAEDAP_DATABASE_URL", &db::sqlite_url(&elsewhere).unwrap());
    assert!(fails(&moved, &["search", "gate"]).await.contains("empty"));
    std::fs::remove_file(data.path().join("installation.json")).unwrap();
    let anew = succeeds(&moved, &["search", "gate", "--json"]).await;
    assert_eq!(anew["passages"], json!([]));
}
