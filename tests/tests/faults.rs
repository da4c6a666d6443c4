//! What is left after the worst: killed processes, damaged model files, a held data directory.

#![allow(clippy::unwrap_used)] // In a test it is the report.

mod holdings;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tests::daedap::Daedap;
use tests::environment::require_models;
use tests::eventually::eventually;
use tests::server::Server;
use tests::sse;
use tests::story::{self, SMALL_GENERATOR, collection, conversation, finished_job, get, small_daedap};

use crate::holdings::{Holdings, holdings};

/// Embedding some documents in a build without optimisation, on a busy machine.
const BUILT_WITHIN: Duration = Duration::from_secs(120);

/// A folder of `count` small documents, every third one Korean.
fn folder_of_documents(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..count {
        let body = if number % 3 == 0 {
            format!("# 문서 {number}\n\n{}", format!("이 문서는 {number}번 규정을 설명합니다. ").repeat(60))
        } else {
            format!(
                "# Document {number}\n\n{}",
                format!("Rule {number} says what to do and when. ").repeat(80)
            )
        };
        std::fs::write(folder.path().join(format!("{number:03}.md")), body).unwrap();
    }
    folder
}

#[tokio::test]
async fn an_ingest_that_is_killed_again_and_again_ends_as_one_that_was_not() {
    let folder = folder_of_documents(24);
    let path = folder.path().to_str().unwrap();
    let (clean_dir, killed_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(clean) = small_daedap(clean_dir.path()) else { return };
    let Some(killed) = small_daedap(killed_dir.path()) else { return };
    let report = clean.run(&["ingest", path, "--json"]).await;
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["added"], 24, "{report}");

    // Ever later moments, from the first write to the middle of the documents.
    for milliseconds in [700, 1_000, 1_300, 1_700, 2_200, 2_800] {
        let mut child = killed.command(&["ingest", path]).spawn().unwrap();
        let ended = tokio::time::timeout(Duration::from_millis(milliseconds), child.wait()).await;
        if ended.is_err() {
            child.kill().await.unwrap();
        }
    }
    let report = killed.run(&["ingest", path, "--json"]).await;
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["failed"], serde_json::json!([]), "{report}");
    let (expected, found) = (holdings(clean_dir.path()).await, holdings(killed_dir.path()).await);
    found.assert_nothing_else();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_acknowledged_upload_survives_a_kill() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let mut server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    let body = serde_json::json!({ "source": "note", "text": "# Note\n\nThe archive room is number 417." });
    let path = format!("/api/v1/collections/{id}/documents");
    let reply = server.post(&path).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), 202);
    let job: Value = reply.json().await.unwrap();
    server.kill().await;
    let server = server.restart().await;
    let job = finished_job(&server, job["job"]["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "done", "{job}");
    let listed = get(&server, &path).await;
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_answer_loses_no_turn_and_doubles_none() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let mut server = Server::start(daedap.variable("DAEDAP_CHAT__ANSWER_TOKENS", "1500")).await;
    let id = collection(&server, "rules").await;
    let text = "# Garden\n\nThe garden of the office is open from May to October. Tomatoes, basil and mint grow there.";
    story::add_document(&server, &id, "garden.md", text.into()).await;
    let chat = conversation(&server).await;
    let question = "Write a long story about tomatoes and basil in the garden of the office.";
    let mut events = Box::pin(sse::events(story::question_to(&server, &chat, question).await));
    while let Some(event) = events.next().await {
        if event.name == "delta" {
            break;
        }
    }
    server.kill().await;
    drop(events);
    let server = server.restart().await;
    let kept = get(&server, &format!("/api/v1/conversations/{chat}")).await;
    let turns = kept["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 2, "{kept}");
    assert_eq!(turns[0]["content"], question);
    assert_eq!(turns[1]["state"], "interrupted", "{kept}");
}

#[tokio::test]
async fn a_reindex_that_is_killed_goes_on_and_the_old_index_answers_until_it_is_done() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let own = story::own_embedder(&require_models(&story::SMALL_MODELS).unwrap(), "passage: ");
    let folder = folder_of_documents(60);
    let ingested = daedap.run(&["ingest", folder.path().to_str().unwrap(), "--json"]).await;
    assert!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
    let before = holdings(data_dir.path()).await;
    let old = indexes(data_dir.path());
    assert_eq!(old.len(), 1, "{old:?}");

    let mut server = Server::start(daedap.clone()).await;
    let embedder = own.path().to_str().unwrap();
    let asked = server.post("/api/v1/reindex").json(&serde_json::json!({ "embedder": embedder }));
    assert_eq!(asked.send().await.unwrap().status(), 202);
    // Killed twice: in the middle of the build, and in the middle of what is left of it.
    for done_before_the_kill in [8, 20] {
        let (done, total) = eventually("some documents to be done", BUILT_WITHIN, async || {
            let found = story::search(&server, "Rule 7 says what to do and when").await;
            assert!(found["passages"][0]["dense_score"].is_number(), "{found}");
            let status = get(&server, "/api/v1/reindex").await;
            let (done, total) = (status["done"].as_u64()?, status["total"].as_u64()?);
            (done >= done_before_the_kill).then_some((done, total))
        })
        .await;
        assert!(done < total, "it was too fast to be killed: {done} of {total}");
        server.kill().await;
        assert_eq!(indexes(data_dir.path()).len(), 2);
        server = server.restart().await;
        let status = get(&server, "/api/v1/status").await;
        assert_eq!(status["embedder"]["model"], "all-minilm-l6-v2", "the old index answers");
    }
    let ended = story::finished_reindex(&server).await;
    assert_eq!((&ended["state"], &ended["report"]["switched"]), (&"done".into(), &true.into()), "{ended}");
    assert_eq!(ended["report"]["documents"], 60, "{ended}");
    let model = get(&server, "/api/v1/status").await["embedder"]["model"].clone();
    assert!(model.as_str().unwrap().starts_with("sha256:"), "{model}");
    let found = story::search(&server, "Rule 7 says what to do and when").await;
    assert_eq!(found["passages"][0]["title"], "Document 7", "{found}");
    eventually("the old index to be gone", BUILT_WITHIN, async || {
        let now = indexes(data_dir.path());
        (now.len() == 1 && now != old).then_some(())
    })
    .await;
    // The setting is empty, so the next start takes the embedder of the index.
    let server = server.restart().await;
    assert_eq!(get(&server, "/api/v1/status").await["embedder"]["model"], model);
    assert!(server.stop().await.success());
    let after = holdings(data_dir.path()).await;
    let sources = |holdings: &Holdings| -> Vec<String> {
        holdings.documents.iter().map(|(source, _)| source.clone()).collect()
    };
    assert_eq!(sources(&after), sources(&before));
    after.assert_nothing_else();
}

/// The folders of a data directory's indexes.
fn indexes(data_dir: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = std::fs::read_dir(data_dir.join("vectors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_that_is_no_model_is_a_clear_error() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(models) = require_models(&story::SMALL_MODELS) else { return };
    let whole = std::fs::read(models.join(SMALL_GENERATOR).join("model.gguf")).unwrap();
    let mut unknown = whole[..4 << 20].to_vec();
    let at = find(&unknown, b"general.architecture") + "general.architecture".len() + 4 + 8;
    unknown[at..at + 5].copy_from_slice(b"zebra");
    for (name, bytes, expected) in [
        ("empty.gguf", Vec::new(), "empty"),
        ("cut.gguf", whole[..whole.len() / 2].to_vec(), "truncated"),
        ("stub.gguf", whole[..10].to_vec(), "truncated"),
        ("text.gguf", b"this is a letter, not a model".to_vec(), "GGUF"),
        ("zebra.gguf", unknown, "zebra"),
    ] {
        let file = data_dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let daedap = Daedap::on(data_dir.path()).with_model(&models, file.to_str().unwrap());
        let output = daedap.run(&["ask", "Is this a model?"]).await;
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {message}");
        assert!(message.contains(expected) && message.contains(name), "{name}: {message}");
        assert!(!message.contains("panicked"), "{name}: {message}");
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
        .expect("a GGUF file names its architecture")
}

#[tokio::test]
async fn commands_speak_to_the_server_that_holds_the_data() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("문.md"), "# 출입문\n\n출입문 비밀번호는 분기마다 바뀝니다.").unwrap();
    std::fs::write(folder.path().join("gate.md"), "# Gate\n\nThe north gate closes at 22:00.").unwrap();
    let path = folder.path().to_str().unwrap();
    let ingest = async || -> Value {
        let output = daedap.run(&["ingest", path, "--json"]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(ingest().await["added"], 2);
    assert_eq!(ingest().await["unchanged"], 2);
    std::fs::remove_file(folder.path().join("gate.md")).unwrap();
    assert_eq!(ingest().await["removed"], 1);
    let output = daedap.run(&["search", "출입문 비밀번호", "--json"]).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["passages"][0]["title"], "출입문", "{found}");
    let output = daedap.run(&["ask", "출입문 비밀번호는 언제 바뀌나요?", "--json"]).await;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["answer"].as_str().unwrap().contains("분기마다"), "{answer}");
    assert_eq!(answer["citations"][0]["number"], 1);
    eventually("a second server to be refused", Duration::from_secs(1), async || {
        let output = daedap.run(&["serve", "--listen", "127.0.0.1:0"]).await;
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code() == Some(1) && message.contains(&server.url(""))).then_some(())
    })
    .await;
}
