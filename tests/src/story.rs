//! The steps that many tests share: a server with a few documents, a question, its answer.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::daedap::Daedap;
use crate::environment::require_models;
use crate::eventually::eventually;
use crate::server::Server;
use crate::sse::{self, SseEvent};

/// The models that every server of a test needs.
pub const SMALL_MODELS: [&str; 3] =
    ["onnxruntime-1.32-linux-x64", "all-minilm-l6-v2", "smollm2-135m-instruct"];
/// The generator among them.
pub const SMALL_GENERATOR: &str = "smollm2-135m-instruct";
const INGESTED_WITHIN: Duration = Duration::from_secs(60);
const REINDEXED_WITHIN: Duration = Duration::from_secs(120);

/// `daedap` with the small models on a data directory, set so that an answer takes seconds; `None`, said loudly,
/// where the models are missing.
pub fn small_daedap(data_dir: &Path) -> Option<Daedap> {
    let models = require_models(&SMALL_MODELS)?;
    Some(
        Daedap::on(data_dir)
            .with_model(&models, SMALL_GENERATOR)
            .variable("DAEDAP_CHAT__PASSAGES", "1")
            .variable("DAEDAP_CHAT__ANSWER_TOKENS", "48"),
    )
}

/// The collection called `name`, made if it is not there; its id.
pub async fn collection(server: &Server, name: &str) -> String {
    let made = server.post("/api/v1/collections").json(&json!({ "name": name })).send().await;
    let made: Value = made.expect("the server listens").json().await.expect("the reply is JSON");
    made["id"].as_str().unwrap_or_else(|| panic!("no collection: {made}")).to_owned()
}

/// Gives the server a document and waits for the end of its job; the job.
pub async fn add_document(server: &Server, collection: &str, source: &str, bytes: Vec<u8>) -> Value {
    finished_job(server, &upload(server, collection, source, bytes).await).await
}

/// Gives the server a document; its job's id.
pub async fn upload(server: &Server, collection: &str, source: &str, bytes: Vec<u8>) -> String {
    let part = reqwest::multipart::Part::bytes(bytes).file_name("upload");
    let form = reqwest::multipart::Form::new().text("source", source.to_owned()).part("file", part);
    let path = format!("/api/v1/collections/{collection}/documents");
    let reply = server.post(&path).multipart(form).send().await.expect("the server listens");
    assert_eq!(reply.status(), 202, "an upload is accepted");
    let reply: Value = reply.json().await.expect("the reply is JSON");
    reply["job"]["id"].as_str().expect("a job has an id").to_owned()
}

/// The job, once it has come to its end.
pub async fn finished_job(server: &Server, id: &str) -> Value {
    eventually("the job to end", INGESTED_WITHIN, async || {
        let reply: Value = get(server, &format!("/api/v1/jobs/{id}")).await;
        let state = reply["job"]["state"].as_str()?;
        matches!(state, "done" | "failed" | "cancelled").then(|| reply["job"].clone())
    })
    .await
}

/// A new conversation's id.
pub async fn conversation(server: &Server) -> String {
    let made = server.post("/api/v1/conversations").send().await.expect("the server listens");
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.expect("the reply is JSON");
    made["id"].as_str().expect("a conversation has an id").to_owned()
}

/// Asks, and reads the answer's events to their end.
pub async fn ask(server: &Server, conversation: &str, question: &str) -> Vec<SseEvent> {
    sse::collect(question_to(server, conversation, question).await).await
}

/// Asks of some collections, and reads the answer's events to their end.
pub async fn ask_of(server: &Server, collections: &[String], question: &str) -> Vec<SseEvent> {
    let path = format!("/api/v1/conversations/{}/turns", conversation(server).await);
    let turn = json!({ "question": question, "collections": collections });
    sse::collect(server.post(&path).json(&turn).send().await.expect("the server listens")).await
}

/// Asks; the response whose events are still to come.
pub async fn question_to(server: &Server, conversation: &str, question: &str) -> reqwest::Response {
    let path = format!("/api/v1/conversations/{conversation}/turns");
    server.post(&path).json(&json!({ "question": question })).send().await.expect("the server listens")
}

/// The last event of an answer that came to its end.
///
/// # Panics
///
/// When the last event is another one.
pub fn done(events: &[SseEvent]) -> Value {
    match events.last() {
        Some(event) if event.name == "done" => event.json(),
        _ => panic!("the answer has no end: {events:?}"),
    }
}

/// What the server has at `path`.
pub async fn get(server: &Server, path: &str) -> Value {
    let reply = server.get(path).send().await.expect("the server listens");
    reply.json().await.expect("the reply is JSON")
}

/// A folder with an embedder of a person's own in it: the small one's files, and a description with another prefix
/// before each passage, which makes it another embedding space.
///
/// # Panics
///
/// When the small models, which the test has, cannot be copied.
pub fn own_embedder(models: &Path, passage_prefix: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in
        ["model.onnx", "tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"]
    {
        let copied = std::fs::copy(models.join("all-minilm-l6-v2").join(file), folder.path().join(file));
        copied.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    let description = format!(
        "dimensions = 384\nmax_tokens = 256\npooling = \"mean\"\npassage_prefix = {passage_prefix:?}\nlanguages = [\"en\"]\n"
    );
    std::fs::write(folder.path().join("embedder.toml"), description).expect("a file");
    folder
}

/// The rebuild of the index, once it has come to its end.
pub async fn finished_reindex(server: &Server) -> Value {
    eventually("the reindex to end", REINDEXED_WITHIN, async || {
        let status = get(server, "/api/v1/reindex").await;
        (status["state"] != "running").then_some(status)
    })
    .await
}

/// What a search finds.
pub async fn search(server: &Server, query: &str) -> Value {
    let request = server.post("/api/v1/search").json(&json!({ "query": query }));
    request.send().await.expect("the server listens").json().await.expect("the reply is JSON")
}
