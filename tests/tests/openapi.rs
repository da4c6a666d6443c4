//! The document of the API: committed, served, and true of the server, as schemathesis finds.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::environment::{require_schemathesis, workspace_root};
use tests::server::Server;
use tests::story::{add_document, ask, collection, conversation, done, small_daedap};

/// Where the document is committed.
const COMMITTED: &str = "docs/openapi.json";

/// The same requests every time.
const SEED: &str = "20261127";

/// Requests to each operation, besides those at the borders of its values: about a minute in all.
const MAX_EXAMPLES: &str = "25";

const HANDBOOK: &str = "# Leave policy\n\nEvery employee gets 17 days of annual leave per year.\n";

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = workspace_root().join(COMMITTED);
    let mut document = web::openapi().to_pretty_json().unwrap();
    document.push('\n');
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == document,
        "{COMMITTED} is not the document of the code; `UPDATE_OPENAPI=1 cargo test -p tests --test openapi` writes it"
    );
}

#[test]
fn every_operation_has_a_name_and_a_summary_of_its_own() {
    let document: Value = serde_json::from_str(&web::openapi().to_json().unwrap()).unwrap();
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let texts = ["operationId", "summary"].map(|field| operation[field].as_str().unwrap_or_default());
            assert!(texts.iter().all(|text| !text.is_empty()), "{method} {path}");
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{method} {path}");
            names.push(texts[0].to_owned());
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two operations have one name: {names:?}");
}

/// What schemathesis is told of the server, beside its document.
const SETTINGS: [(&str, &str); 2] = [
    ("schemathesis.toml", include_str!("openapi/schemathesis.toml")),
    ("hooks.py", include_str!("openapi/hooks.py")),
];

/// Fills the server and writes down, one file for each kind, the ids of what is there.
async fn furnish(server: &Server, scratch: &Path) {
    let collection = collection(server, "rules").await;
    let job = add_document(server, &collection, "leave.md", HANDBOOK.into()).await;
    assert_eq!(job["state"], "done", "{job}");
    let mut documents = Vec::new();
    // Some will be renamed, and have other ids then.
    for number in 0..40 {
        let job = add_document(server, &collection, &format!("{number}.md"), HANDBOOK.into()).await;
        documents.push(job["document"].as_str().unwrap().to_owned());
    }
    let questions = format!("/api/v1/collections/{collection}/evaluation/questions");
    let question = json!({ "question": "How many days of annual leave?", "expected": ["leave.md"] });
    assert_eq!(server.post(&questions).json(&question).send().await.unwrap().status(), 201);
    let conversation = conversation(server).await;
    let answer = done(&ask(server, &conversation, "How many days of annual leave?").await);
    let id = |value: &Value| vec![value.as_str().unwrap().to_owned()];
    for (kind, ids) in [
        ("document", documents),
        ("job", id(&job["id"])),
        ("turn", id(&answer["turn_id"])),
        ("collection", vec![collection]),
        ("conversation", vec![conversation]),
    ] {
        let lines: Vec<String> = ids.into_iter().map(|id| format!("\"{id}\"\n")).collect();
        std::fs::write(scratch.join(format!("{kind}.dict")), lines.concat()).unwrap();
    }
    for (name, text) in SETTINGS {
        std::fs::write(scratch.join(name), text).unwrap();
    }
}

/// Runs schemathesis in `scratch`; whether it found nothing, and what it said.
async fn schemathesis(program: &Path, server: &Server, scratch: &Path) -> (bool, String) {
    let output = tokio::process::Command::new(program)
        .args(["run", &server.url("/openapi.json"), "--seed", SEED])
        .args(["--max-examples", MAX_EXAMPLES, "--workers", "1", "--continue-on-failure"])
        .args(["--request-timeout", "60", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {}", server.token())])
        .env("NO_COLOR", "1")
        .env("COLUMNS", "160")
        .current_dir(scratch)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(program) = require_schemathesis() else { return };
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.variable("DAEDAP_CHAT__ANSWER_TOKENS", "16")).await;
    let scratch = tempfile::tempdir().unwrap();
    furnish(&server, scratch.path()).await;
    let (found_nothing, said) = schemathesis(&program, &server, scratch.path()).await;
    assert!(found_nothing, "{said}");
    assert!(said.contains("Operations:") && !said.contains("Tested: 0"), "it tested nothing: {said}");
}
