//! Deletions, end to end: whatever was deleted, no file of the data directory holds a byte of it, and nothing brings it back.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::server::Server;
use tests::story::{
    add_document, ask_of, collection, conversation, done, finished_job, get, search, small_daedap, upload,
};

/// A word that no other file has.
const WORD: &str = "xyzzyplugh";

/// Files below `folder` that hold the word.
fn files_with_word(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with_word(&path));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(WORD.len()).any(|part| part == WORD.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

fn secret(number: u32) -> Vec<u8> {
    format!("# Secret\n\nThe code of the north gate is {WORD}{number}.").into_bytes()
}

fn originals(data_dir: &Path) -> usize {
    std::fs::read_dir(data_dir.join("originals")).unwrap().count()
}

async fn delete(server: &Server, document: &str) {
    let reply = server.delete(&format!("/api/v1/documents/{document}")).send().await.unwrap();
    assert_eq!(reply.status(), 204);
}

/// The proof for a document, by the command; whether nothing is left, and what it says.
async fn proof(daedap: &Daedap, document: &str) -> (bool, Value) {
    let output = daedap.run(&["doctor", "--erased", document, "--json"]).await;
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.success(), report)
}

fn id(job: &Value) -> String {
    job["document"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn no_file_holds_a_byte_of_a_deleted_document() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let rules = collection(&server, "rules").await;
    let document = id(&add_document(&server, &rules, "secret.md", secret(1)).await);
    add_document(&server, &rules, "secret.md", secret(2)).await;
    let other = b"# Gate\n\nThe south gate closes at 22:00.".to_vec();
    add_document(&server, &rules, "gate.md", other).await;
    let (gone, report) = proof(&daedap, &document).await;
    assert!(!gone && !report["left"].as_array().unwrap().is_empty(), "{report}");
    assert!(!files_with_word(data_dir.path()).is_empty());

    delete(&server, &document).await;

    assert_eq!(files_with_word(data_dir.path()), [""; 0]);
    assert_eq!(originals(data_dir.path()), 1);
    let (gone, report) = proof(&daedap, &document).await;
    assert!(gone && report["erased_at"].is_string(), "{report}");
    let output = daedap.run(&["doctor", "--json"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(search(&server, "when does the gate close").await["passages"][0]["title"], "Gate");

    // The same source again is a new document under the old id.
    let job = add_document(&server, &rules, "secret.md", secret(3)).await;
    assert_eq!((job["state"].as_str(), id(&job)), (Some("done"), document.clone()), "{job}");
    let shown = get(&server, &format!("/api/v1/documents/{document}")).await;
    assert_eq!(shown["version_number"], 3, "numbers go on: {shown}");
    let versions = get(&server, &format!("/api/v1/documents/{document}/versions")).await;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1, "{versions}");
    let reply = server.delete(&format!("/api/v1/collections/{rules}")).send().await.unwrap();
    assert_eq!(reply.status(), 204);
    assert_eq!(files_with_word(data_dir.path()), [""; 0]);
    assert_eq!(originals(data_dir.path()), 0);
    assert!(server.stop().await.success());
    assert_eq!(files_with_word(data_dir.path()), [""; 0]);
}

#[tokio::test]
async fn a_deletion_survives_a_kill_at_any_moment() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let mut server = Server::start(daedap.clone()).await;
    for milliseconds in [0, 2, 5, 10, 20, 40] {
        let rules = collection(&server, "rules").await;
        let document = id(&add_document(&server, &rules, "secret.md", secret(milliseconds)).await);
        let request = server.delete(&format!("/api/v1/documents/{document}")).send();
        let within = Duration::from_millis(u64::from(milliseconds));
        let acknowledged = tokio::time::timeout(within, request).await;
        server = server.restart().await;
        let shown = server.get(&format!("/api/v1/documents/{document}")).send().await.unwrap();
        let found = search(&server, "the code of the north gate").await;
        if shown.status() == 200 {
            assert!(acknowledged.is_err(), "an acknowledged deletion is lost");
            assert!(
                found["passages"][0]["text"].as_str().unwrap().contains(WORD),
                "half of it is gone: {found}"
            );
            delete(&server, &document).await;
        } else {
            assert_eq!(found["passages"], json!([]), "half of it is there");
        }
        assert_eq!(files_with_word(data_dir.path()), [""; 0], "after {milliseconds} ms");
        assert!(proof(&daedap, &document).await.0);
    }
}

#[tokio::test]
async fn an_original_stays_as_long_as_somebody_needs_it() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let rules = collection(&server, "rules").await;
    let first = id(&add_document(&server, &rules, "a.md", secret(1)).await);
    let second = id(&add_document(&server, &rules, "b.md", secret(1)).await);
    assert_eq!(originals(data_dir.path()), 1);
    delete(&server, &first).await;
    let reply = server.get(&format!("/api/v1/documents/{second}/original")).send().await.unwrap();
    assert_eq!(reply.bytes().await.unwrap(), secret(1));
    // Others upload the same bytes while the last document with them is deleted.
    let mut last = second;
    for round in 0..6 {
        let source = format!("{round}.md");
        let deletion = delete(&server, &last);
        let (job, ()) = tokio::join!(upload(&server, &rules, &source, secret(1)), deletion);
        let job = finished_job(&server, &job).await;
        assert_eq!(job["state"], "done", "its original was removed: {job}");
        last = id(&job);
    }
    delete(&server, &last).await;
    // The last deletions came in a burst; what they left in files is purged when they pause.
    tests::eventually::eventually("the files to be purged", Duration::from_secs(60), async || {
        (originals(data_dir.path()) == 0 && files_with_word(data_dir.path()).is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn answers_keep_the_number_and_the_title_of_what_they_cited() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let rules = collection(&server, "rules").await;
    let text = b"# North gate\n\nThe north gate closes at 22:00 on every working day.".to_vec();
    let document = id(&add_document(&server, &rules, "gate.md", text).await);
    let asked = ask_of(&server, std::slice::from_ref(&rules), "When does the north gate close?").await;
    let turn = done(&asked)["turn_id"].clone();
    let conversations = get(&server, "/api/v1/conversations").await;
    let path = format!("/api/v1/conversations/{}", conversations["conversations"][0]["id"].as_str().unwrap());
    let citation = async || {
        let shown = get(&server, &path).await;
        let turns = shown["turns"].as_array().unwrap().clone();
        let answer = turns.into_iter().find(|shown| shown["id"] == turn).unwrap();
        answer["citations"][0].clone()
    };
    let before = citation().await;
    assert!(before["text"].as_str().unwrap().contains("22:00"), "{before}");
    assert_eq!(before["deleted"], false);
    let renamed = server.patch(&format!("/api/v1/documents/{document}")).json(&json!({ "source": "문.md" }));
    let renamed: Value = renamed.send().await.unwrap().json().await.unwrap();
    let moved = citation().await;
    assert_eq!((&moved["document"], &moved["text"]), (&renamed["id"], &before["text"]), "{moved}");

    delete(&server, renamed["id"].as_str().unwrap()).await;

    let after = citation().await;
    assert_eq!((&after["number"], &after["title"]), (&before["number"], &before["title"]), "{after}");
    assert_eq!((&after["text"], &after["html"], &after["deleted"]), (&json!(""), &json!(""), &json!(true)));
    // Nothing that was cached of the passages is used for the next question.
    let next = conversation(&server).await;
    let next = tests::story::ask(&server, &next, "When does the north gate close?").await;
    assert_eq!(done(&next)["abstained"], true);
}

#[tokio::test]
async fn a_restored_backup_does_not_bring_a_deleted_document_back() {
    let (data_dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let rules = collection(&server, "rules").await;
    let document = id(&add_document(&server, &rules, "secret.md", secret(1)).await);
    add_document(&server, &rules, "gate.md", b"# Gate\n\nThe south gate closes at 22:00.".to_vec()).await;
    let again = id(&add_document(&server, &rules, "again.md", b"# Again\n\nThe bell rings.".to_vec()).await);
    delete(&server, &again).await;
    add_document(&server, &rules, "again.md", b"# Again\n\nThe bell rings twice.".to_vec()).await;
    let file = out.path().join("all.daedap");
    let file = file.to_str().unwrap();
    assert!(daedap.run(&["backup", file]).await.status.success());
    delete(&server, &document).await;
    assert!(server.stop().await.success());
    for entry in std::fs::read_dir(data_dir.path()).unwrap().flatten() {
        if entry.path().is_dir() {
            std::fs::remove_dir_all(entry.path()).unwrap();
        } else if entry.file_name() != "erasures.jsonl" {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }

    let restored = daedap.run(&["restore", file, "--json"]).await;
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let report: Value = serde_json::from_slice(&restored.stdout).unwrap();
    assert_eq!(report["findings"], json!([]), "{report}");
    assert_eq!(files_with_word(data_dir.path()), [""; 0]);
    assert!(proof(&daedap, &document).await.0);
    let server = Server::start(daedap).await;
    let shown = server.get(&format!("/api/v1/documents/{document}")).send().await.unwrap();
    assert_eq!(shown.status(), 404);
    assert_eq!(
        get(&server, "/api/v1/status").await["documents"],
        2,
        "others are there, also one ingested again"
    );
}

#[tokio::test]
async fn the_newest_versions_are_kept() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.variable("DAEDAP_INGEST__KEEP_VERSIONS", "2")).await;
    let rules = collection(&server, "rules").await;
    let mut document = String::new();
    for number in 1..=4 {
        document = id(&add_document(&server, &rules, "secret.md", secret(number)).await);
    }
    let listed = get(&server, &format!("/api/v1/documents/{document}/versions")).await;
    let versions = listed["versions"].as_array().unwrap().iter();
    let numbers: Vec<u64> = versions.map(|version| version["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [4, 3]);
    assert_eq!(originals(data_dir.path()), 2);
}
