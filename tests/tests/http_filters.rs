//! The API's filters, tags and dates, as a program on the same machine meets them.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::server::Server;
use tests::sse;
use tests::story::{collection, conversation, done, finished_job, get, small_daedap};

const LEAVE: &str = "# Leave\n\nEvery employee gets 17 days of annual leave per year.\n";
const TRAVEL: &str = "# 출장 규정\n\n출장 여비는 하루 5만원이며 연차와 함께 쓸 수 있습니다.\n";
/// "인사" as macOS writes it.
const DECOMPOSED: &str = "\u{110b}\u{1175}\u{11ab}\u{1109}\u{1161}";

/// A server with an English document of 2024, tagged `hr` and `인사`, and a Korean one of 2026, tagged `hr`.
async fn furnished(data_dir: &tempfile::TempDir) -> Option<Server> {
    let server = Server::start(small_daedap(data_dir.path())?).await;
    let id = collection(&server, "rules").await;
    let path = format!("/api/v1/collections/{id}/documents");
    let form = Form::new()
        .text("source", "leave.md")
        .text("tags", "hr")
        .text("tags", DECOMPOSED)
        .text("tags", " hr ")
        .text("dated_at", "2024-05-01T09:00:00+09:00")
        .part("file", Part::bytes(LEAVE.as_bytes()).file_name("upload"));
    let text = json!({
        "source": "travel.md", "text": TRAVEL, "tags": ["hr"], "dated_at": "2026-05-01T00:00:00Z",
    });
    for request in [server.post(&path).multipart(form), server.post(&path).json(&text)] {
        let reply: Value = request.send().await.unwrap().json().await.unwrap();
        let job = finished_job(&server, reply["job"]["id"].as_str().unwrap()).await;
        assert_eq!(job["state"], "done", "{job}");
    }
    Some(server)
}

/// Sources of what is found within the filter, in order of their names.
async fn found(server: &Server, filter: Value) -> Vec<String> {
    let query = json!({ "query": "annual leave 연차", "filter": filter });
    let found: Value = server.post("/api/v1/search").json(&query).send().await.unwrap().json().await.unwrap();
    let passages = found["passages"].as_array().unwrap_or_else(|| panic!("{found}"));
    let mut sources: Vec<String> =
        passages.iter().map(|passage| passage["source"].as_str().unwrap().to_owned()).collect();
    sources.sort();
    sources
}

/// The document of that name.
async fn document(server: &Server, source: &str) -> Value {
    let id = collection(server, "rules").await;
    let list = get(server, &format!("/api/v1/collections/{id}/documents")).await;
    let documents = list["documents"].as_array().unwrap();
    documents.iter().find(|document| document["source"] == source).unwrap().clone()
}

#[tokio::test]
async fn a_search_is_narrowed_to_documents_tags_languages_and_dates() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    let leave = document(&server, "leave.md").await;
    assert_eq!(
        (&leave["tags"], &leave["dated_at"]),
        (&json!(["hr", "인사"]), &json!("2024-05-01T00:00:00Z"))
    );
    let both = ["leave.md", "travel.md"];
    for (filter, expected) in [
        (json!({}), &both[..]),
        (json!({ "tags": ["hr"] }), &both),
        (json!({ "tags": ["인사"] }), &both[..1]),
        (json!({ "tags": [DECOMPOSED, "nobody's"] }), &both[..1]),
        (json!({ "tags": ["nobody's"] }), &[]),
        (json!({ "documents": [leave["id"]] }), &both[..1]),
        (json!({ "languages": ["ko"] }), &both[1..]),
        (json!({ "from": "2024-05-01T00:00:01Z" }), &both[1..]),
        (json!({ "until": "2026-05-01T00:00:00Z" }), &both[..1]),
        (json!({ "tags": ["hr"], "languages": ["ko"], "until": "2026-05-01T00:00:00Z" }), &[]),
    ] {
        assert_eq!(found(&server, filter.clone()).await, expected, "{filter}");
    }
    let query = json!({ "query": "annual leave" });
    let all: Value = server.post("/api/v1/search").json(&query).send().await.unwrap().json().await.unwrap();
    let passage = &all["passages"][0];
    assert_eq!((&passage["tags"], &passage["dated_at"]), (&leave["tags"], &leave["dated_at"]), "{passage}");
}

#[tokio::test]
async fn an_answer_stands_on_what_its_filter_admits() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    for (filter, finish_reason) in
        [(json!({ "tags": ["인사"] }), "abstained"), (json!({ "tags": ["hr"] }), "extractive")]
    {
        let path = format!("/api/v1/conversations/{}/turns", conversation(&server).await);
        let turn = json!({ "question": "출장 여비는 하루 얼마인가요?", "filter": filter });
        let events = sse::collect(server.post(&path).json(&turn).send().await.unwrap()).await;
        assert_eq!(done(&events)["finish_reason"], finish_reason, "{turn}");
    }
}

#[tokio::test]
async fn tags_are_changed_without_the_source() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    let before = document(&server, "travel.md").await;
    let path = format!("/api/v1/documents/{}", before["id"].as_str().unwrap());
    let reply = server.patch(&path).json(&json!({ "tags": ["여비", "여비 "] })).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let changed: Value = reply.json().await.unwrap();
    assert_eq!((&changed["tags"], &changed["version_number"]), (&json!(["여비"]), &json!(2)));
    assert_eq!((&changed["dated_at"], &changed["title"]), (&before["dated_at"], &before["title"]));
    assert_eq!(found(&server, json!({ "tags": ["여비"] })).await, ["travel.md"]);
    assert_eq!(found(&server, json!({ "tags": ["hr"] })).await, ["leave.md"]);
    for (change, field) in [
        (json!({ "tags": [""] }), json!("tags")),
        (json!({ "tags": (0..33).map(|number| number.to_string()).collect::<Vec<_>>() }), json!("tags")),
        (json!({ "tags": "hr" }), Value::Null),
        (json!({ "title": "x" }), Value::Null),
    ] {
        let reply = server.patch(&path).json(&change).send().await.unwrap();
        assert_eq!(reply.status(), 422, "{change}");
        let envelope: Value = reply.json().await.unwrap();
        assert_eq!(
            (&envelope["error"]["code"], &envelope["error"]["field"]),
            (&json!("invalid_value"), &field)
        );
    }
    let unknown = "/api/v1/documents/00000000-0000-7000-8000-000000000000";
    let reply = server.patch(unknown).json(&json!({ "tags": [] })).send().await.unwrap();
    assert_eq!(reply.status(), 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_filter_or_an_upload_is_named() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let turns = format!("/api/v1/conversations/{}/turns", conversation(&server).await);
    for (filter, field) in [
        (json!({ "documents": ["leave.md"] }), "filter.documents"),
        (json!({ "tags": ["a\u{7}"] }), "filter.tags"),
        (json!({ "languages": vec!["ko"; 33] }), "filter.languages"),
        (json!({ "from": "2026-05-01" }), "filter.from"),
        (json!({ "from": "2026-05-01T00:00:00Z", "until": "2026-05-01T00:00:00Z" }), "filter.until"),
    ] {
        for (path, text) in [("/api/v1/search", "query"), (turns.as_str(), "question")] {
            let body = json!({ text: "leave", "filter": filter });
            let reply = server.post(path).json(&body).send().await.unwrap();
            assert_eq!(reply.status(), 422, "{path} {filter}");
            let error = &reply.json::<Value>().await.unwrap()["error"];
            assert_eq!((&error["code"], &error["field"]), (&json!("invalid_value"), &json!(field)), "{path}");
        }
    }
    let documents = format!("/api/v1/collections/{}/documents", collection(&server, "rules").await);
    let file = || Part::bytes(LEAVE.as_bytes()).file_name("leave.md");
    for (request, field) in [
        (server.post(&documents).multipart(Form::new().text("tags", "").part("file", file())), "tags"),
        (
            server.post(&documents).multipart(Form::new().text("dated_at", "x").part("file", file())),
            "dated_at",
        ),
        (server.post(&documents).json(&json!({ "source": "a", "text": "b", "tags": ["\n"] })), "tags"),
        (
            server.post(&documents).json(&json!({ "source": "a", "text": "b", "dated_at": "1999" })),
            "dated_at",
        ),
    ] {
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 422, "{field}");
        assert_eq!(reply.json::<Value>().await.unwrap()["error"]["field"], field);
    }
    assert_eq!(get(&server, "/api/v1/jobs").await["jobs"], json!([]), "nothing of it was queued");
}
