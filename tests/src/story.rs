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
    let part = reqwest::multipart::Part::bytes(bytes).file_name("upload");
    let form = reqwest::multipart::Form::new().text("source", source.to_owned()).part("file", part);
    let path = format!("/api/v1/collections/{collection}/documents");
    let reply = server.post(&path).multipart(form).send().await.expect("the server listens");
    assert_eq!(reply.status(), 202, "an upload is accepted");
    let reply: Value = reply.json().await.expect("the reply is JSON");
    finished_job(server, reply["job"]["id"].as_str().expect("a job has an id")).await
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
