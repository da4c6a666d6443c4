//! The command line as a script meets it: reports, exit codes, messages.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::environment::require_models;
use tests::server::Server;
use tests::story::{SMALL_MODELS, own_embedder, small_daedap};

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn message_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn the_default_settings_are_settings() {
    let data_dir = tempfile::tempdir().unwrap();
    let daedap = Daedap::on(data_dir.path());
    let printed = daedap.run(&["config", "--default"]).await;
    let file = data_dir.path().join("copy.toml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let file = file.to_str().unwrap();
    let (with_file, without) =
        (daedap.run(&["config", "--config", file]).await, daedap.run(&["config"]).await);
    assert!(with_file.status.success(), "{}", message_of(&with_file));
    assert_eq!(with_file.stdout, without.stdout, "the printed defaults are what is in effect without them");
}

#[tokio::test]
async fn wrong_usage_and_wrong_settings_are_told_apart() {
    let data_dir = tempfile::tempdir().unwrap();
    let daedap = Daedap::on(data_dir.path());
    assert_eq!(daedap.run(&["frobnicate"]).await.status.code(), Some(2));
    assert_eq!(daedap.run(&["search"]).await.status.code(), Some(2));
    assert_eq!(daedap.run(&["search", "x", "--limit", "0"]).await.status.code(), Some(2));
    let open = daedap.run(&["serve", "--listen", "0.0.0.0:8787"]).await;
    assert_eq!(open.status.code(), Some(1));
    assert!(message_of(&open).contains("loopback"), "{}", message_of(&open));
    let unknown = daedap.run(&["models", "pull", "gpt-9"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        message_of(&unknown).contains("smollm2-135m-instruct"),
        "the ids that there are: {}",
        message_of(&unknown)
    );
}

#[tokio::test]
async fn a_folder_is_read_once_and_then_only_what_changed() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("a.md", b"# Parking\n\nThe garage opens at 07:00 and closes at 23:00.");
    write("나.txt", "주차장은 오전 7시에 엽니다. 방문 차량은 두 시간까지 무료입니다.".as_bytes());
    write("empty.md", b"");
    write("broken.txt", b"text \xff\xfe\xfa\xc3\x28 \x80\x81 of no encoding \xf0\x28\x8c\xbc");
    let path = folder.path().to_str().unwrap();

    let output = daedap.run(&["ingest", path, "--json"]).await;
    assert_eq!(output.status.code(), Some(1), "some files failed");
    let report = json_of(&output);
    assert_eq!(report["added"], 2, "{report}");
    let mut codes: Vec<&str> =
        report["failed"].as_array().unwrap().iter().map(|failed| failed["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["bad_encoding", "empty"]);

    std::fs::remove_file(folder.path().join("empty.md")).unwrap();
    std::fs::remove_file(folder.path().join("broken.txt")).unwrap();
    write("a.md", b"# Parking\n\nThe garage opens at 06:00 and closes at 23:00.");
    std::fs::rename(folder.path().join("나.txt"), folder.path().join("주차장.txt")).unwrap();
    let output = daedap.run(&["ingest", path, "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", message_of(&output));
    let report = json_of(&output);
    let counts = ["added", "updated", "moved", "unchanged", "removed"].map(|field| report[field].clone());
    assert_eq!(counts, [json!(0), json!(1), json!(1), json!(0), json!(0)], "{report}");

    let found = json_of(&daedap.run(&["search", "주차장은 언제 여나요?", "--json"]).await);
    let best = &found["passages"][0];
    assert!(best["source"].as_str().unwrap().ends_with("주차장.txt"), "{found}");
    for field in ["document", "title", "heading_path", "page", "text", "score", "dense_score", "sparse_score"]
    {
        assert!(best.get(field).is_some(), "{field} is missing in {best}");
    }
    let found = json_of(&daedap.run(&["search", "When does the garage open?", "--json"]).await);
    assert!(
        found["passages"][0]["text"].as_str().unwrap().contains("06:00"),
        "the live version answers: {found}"
    );
}

/// Runs the command, and gives the last parts of what it found, in order of their names.
async fn found(daedap: &Daedap, arguments: &[&str]) -> Vec<String> {
    let report = json_of(&daedap.run(arguments).await);
    let passages = report["passages"].as_array().unwrap_or_else(|| panic!("{report}"));
    let name = |passage: &Value| passage["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let mut names: Vec<String> = passages.iter().map(name).collect();
    names.sort();
    names
}

/// What a folder with a file of 2024 and one of 2026 is narrowed to; the same with and without a server.
async fn narrow_it(daedap: &Daedap) {
    let both = ["a.md", "나.md"];
    for (narrower, expected) in [
        (&["--tag", "규정"][..], &both[..]),
        (&["--tag", "nobody's"], &[]),
        (
            &["--tag", "\u{1100}\u{1172}\u{110c}\u{1165}\u{11bc}", "--tag", "nobody's", "--language", "ko"],
            &both[1..],
        ),
        (&["--language", "ko", "--language", "en"], &both),
        (&["--from", "2025-01-01"], &both[1..]),
        (&["--until", "2025-01-01T00:00:00Z", "--tag", "hr"], &both[..1]),
    ] {
        let arguments = [&["search", "garage 주차장", "--json"], narrower].concat();
        assert_eq!(found(daedap, &arguments).await, expected, "{narrower:?}");
    }
    let ask = ["ask", "When does the garage open?", "--tag", "nobody's", "--json"];
    let answer = json_of(&daedap.run(&ask).await);
    assert_eq!(answer["finish_reason"], "abstained", "{answer}");
}

#[tokio::test]
async fn documents_are_tagged_and_found_by_tag_language_and_date_with_a_server_and_without() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, text, date) in [
        ("a.md", "# Parking\n\nThe garage opens at 07:00.", "2024-05-01T09:00:00Z"),
        ("나.md", "# 주차\n\n주차장은 오전 7시에 엽니다.", "2026-05-01T09:00:00Z"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let time: jiff::Timestamp = date.parse().unwrap();
        std::fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(time.try_into().unwrap())
            .unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let counts = async |tags: &[&str]| {
        let report = json_of(&daedap.run(&[&["ingest", path, "--json"], tags].concat()).await);
        ["added", "updated", "unchanged", "chunks"].map(|field| report[field].as_u64().unwrap())
    };
    assert_eq!(counts(&["--tag", "hr", "--tag", "규정"]).await, [2, 0, 0, 2]);
    assert_eq!(counts(&["--tag", "규정", "--tag", "hr"]).await, [0, 0, 2, 0]);
    assert_eq!(counts(&[]).await, [0, 0, 2, 0], "what says nothing of tags leaves them");
    narrow_it(&daedap).await;
    for wrong in [["--from", "yesterday"], ["--language", "korean"], ["--tag", ""]] {
        assert_eq!(
            daedap.run(&[&["search", "x"], &wrong[..]].concat()).await.status.code(),
            Some(2),
            "{wrong:?}"
        );
    }
    let backwards = daedap.run(&["search", "x", "--from", "2026-01-01", "--until", "2025-01-01"]).await;
    assert!(message_of(&backwards).contains("must be later"), "{}", message_of(&backwards));

    let server = Server::start(daedap.clone()).await;
    narrow_it(&daedap).await;
    assert_eq!(counts(&["--tag", "규정", "--tag", "hr"]).await, [0, 0, 2, 0]);
    assert_eq!(counts(&["--tag", "new"]).await, [0, 2, 0, 2], "only the tags go to the server");
    std::fs::write(folder.path().join("c.md"), "# Bicycles\n\nBicycles stand in the garage.").unwrap();
    assert_eq!(counts(&["--tag", "new"]).await, [1, 0, 2, 1]);
    assert_eq!(found(&daedap, &["search", "garage 주차장", "--tag", "new", "--json"]).await.len(), 3);
    assert!(server.stop().await.success());
}

/// A data directory with one document about tea.
async fn tea(data_dir: &Path) -> Option<Daedap> {
    let daedap = small_daedap(data_dir)?;
    let file = data_dir.join("tea.md");
    std::fs::write(&file, "# Tea\n\nTea is served at four o'clock.").unwrap();
    let report = json_of(&daedap.run(&["ingest", file.to_str().unwrap(), "--json"]).await);
    assert_eq!(report["added"], 1, "{report}");
    Some(daedap)
}

async fn finds_tea(daedap: &Daedap) {
    let found = json_of(&daedap.run(&["search", "tea", "--json"]).await);
    let best = &found["passages"][0];
    assert!(best["text"].as_str().unwrap().contains("four o'clock"), "{found}");
    assert!(best["dense_score"].is_number(), "{found}");
}

/// The folder of the one index.
fn index_of(data_dir: &Path) -> PathBuf {
    let mut indexes = std::fs::read_dir(data_dir.join("vectors")).unwrap();
    let only = indexes.next().expect("there is an index").unwrap().path();
    assert!(indexes.next().is_none(), "there is one index");
    only
}

#[tokio::test]
async fn an_embedder_of_ones_own_is_refused_until_the_documents_are_reindexed() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = tea(data_dir.path()).await else { return };
    let own = own_embedder(&require_models(&SMALL_MODELS).unwrap(), "passage: ");
    let path = own.path().to_str().unwrap();
    let set = daedap.clone().variable("DAEDAP_EMBEDDER__MODEL", path);
    let refused = set.run(&["search", "tea"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(message_of(&refused).contains("daedap reindex"), "{}", message_of(&refused));
    finds_tea(&daedap).await;

    let old = index_of(data_dir.path());
    let report = json_of(&daedap.run(&["reindex", "--embedder", path, "--json"]).await);
    assert_eq!((&report["documents"], &report["switched"]), (&json!(1), &json!(true)), "{report}");
    assert_ne!(index_of(data_dir.path()), old, "the old index is gone");
    finds_tea(&daedap).await;
    finds_tea(&set).await;
    let set = daedap.clone().variable("DAEDAP_EMBEDDER__MODEL", "all-minilm-l6-v2");
    let refused = message_of(&set.run(&["search", "tea"]).await);
    assert!(refused.contains("daedap reindex") && refused.contains(path), "{refused}");
    let report = json_of(&set.run(&["reindex", "--json"]).await);
    assert_eq!(report["switched"], true, "a changed setting is what is meant: {report}");
    finds_tea(&set).await;

    std::fs::write(own.path().join("tokenizer.json"), "{}").unwrap();
    let refused = daedap.run(&["reindex", "--embedder", path]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(message_of(&refused).contains("tokenizer.json"), "{}", message_of(&refused));
    finds_tea(&daedap).await;
}

#[tokio::test]
async fn a_damaged_or_lost_index_is_refused_and_reindex_repairs_it() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = tea(data_dir.path()).await else { return };
    for damage in [
        (|index| std::fs::write(index.join("space.json"), "{").unwrap()) as fn(PathBuf),
        |index| std::fs::remove_dir_all(index).unwrap(),
        |index| std::fs::remove_dir_all(index.join("shard")).unwrap(),
    ] {
        damage(index_of(data_dir.path()));
        let refused = daedap.run(&["search", "tea"]).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(message_of(&refused).contains("daedap reindex"), "{}", message_of(&refused));
        let repaired = daedap.run(&["reindex", "--json"]).await;
        assert_eq!(json_of(&repaired)["documents"], 1, "{}", message_of(&repaired));
        finds_tea(&daedap).await;
    }
}

#[tokio::test]
async fn a_server_that_runs_reindexes_when_it_is_asked() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = tea(data_dir.path()).await else { return };
    let own = own_embedder(&require_models(&SMALL_MODELS).unwrap(), "passage: ");
    let path = own.path().to_str().unwrap();
    let _server = Server::start(daedap.clone()).await;
    for arguments in [&["reindex", "--json"][..], &["reindex", "--embedder", path, "--json"]] {
        let reindexed = daedap.run(arguments).await;
        assert_eq!(reindexed.status.code(), Some(0), "{}", message_of(&reindexed));
        let report = json_of(&reindexed);
        assert_eq!((&report["documents"], &report["switched"]), (&json!(1), &json!(true)), "{report}");
        finds_tea(&daedap).await;
    }
    let refused = daedap.run(&["reindex", "--embedder", "smollm2-135m-instruct"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(message_of(&refused).contains("not an embedder"), "{}", message_of(&refused));
}

#[tokio::test]
async fn a_reranker_of_ones_own_scores_what_is_found() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = tea(data_dir.path()).await else { return };
    // The embedder's tokenizer does for the cross-encoder of the retriever's tests, which counts common words.
    let own = own_embedder(&require_models(&SMALL_MODELS).unwrap(), "");
    let network = include_bytes!("../../retriever/tests/kit/shared_words.onnx");
    std::fs::write(own.path().join("model.onnx"), network).unwrap();
    let set = daedap
        .clone()
        .variable("DAEDAP_RERANKER__MODEL", own.path().to_str().unwrap())
        .variable("DAEDAP_RERANKER__DEADLINE_MS", "60000");
    let plain = json_of(&daedap.run(&["search", "is tea served", "--json"]).await);
    let reranked = json_of(&set.run(&["search", "is tea served", "--json"]).await);
    assert!(
        plain["timings_ms"]["rerank"].is_null() && reranked["timings_ms"]["rerank"].is_number(),
        "{reranked}"
    );
    // Three of its words stand in the passage: the logistic of 3.
    let score = reranked["passages"][0]["score"].as_f64().unwrap();
    assert!((score - 0.9526).abs() < 1e-3, "{reranked}");

    std::fs::remove_file(own.path().join("tokenizer.json")).unwrap();
    let refused = set.run(&["search", "tea"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let message = message_of(&refused);
    assert!(message.contains("reranker") && message.contains("tokenizer.json"), "{message}");
}

#[tokio::test]
async fn a_question_set_is_measured() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let paragraph = |context: &str, question: &str| json!({ "context": context, "qas": [{ "question": question, "answers": [] }] });
    let set = json!({ "version": "1", "data": [{ "title": "t", "paragraphs": [
        paragraph("The harbour of Busan was opened to trade in 1876.", "When was the harbour of Busan opened?"),
        paragraph("Mount Halla is the highest mountain of South Korea.", "Which mountain is the highest?"),
        paragraph("한강은 서울을 가로질러 흐른다.", "서울을 가로지르는 강은?"),
    ]}]});
    let file = data_dir.path().join("set.json");
    std::fs::write(&file, set.to_string()).unwrap();
    let report = json_of(&daedap.run(&["eval", "retrieval", file.to_str().unwrap(), "--json"]).await);
    assert_eq!((&report["documents"], &report["queries"]), (&json!(3), &json!(3)));
    let hybrid = &report["systems"]["hybrid"];
    assert_eq!(hybrid["recall@1"], 1.0, "{report}");
    assert_eq!(report["systems"]["sparse"]["ndcg@10"], 1.0, "{report}");
    assert!(hybrid["latency_ms"]["p99"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn the_small_models_are_in_the_catalog() {
    for id in SMALL_MODELS {
        assert!(models::Catalog::builtin().entry(id).is_ok(), "{id}");
    }
}
