//! The API of the running server, as a program on the same machine meets it.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::io::Write as _;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tests::eventually::eventually;
use tests::server::Server;
use tests::sse::{self, SseEvent};
use tests::story::{self, add_document, ask, collection, conversation, done, get, small_daedap};

const HANDBOOK: &str = "# Leave policy\n\n## Annual leave\n\nEvery employee gets 17 days of annual leave per year. \
    Unused days can be carried over until 31 March.\n\n## Sick leave\n\nSick leave is paid for 10 days per year.\n";
const KOREAN_RULES: &str = "# 재택근무 규정\n\n## 요일\n\n재택근무는 일주일에 이틀까지 할 수 있습니다. 수요일에는 모두 사무실에서 \
    일합니다.\n\n## 장비\n\n회사는 모니터와 의자를 빌려 줍니다.\n";

/// A server with one English and one Korean document.
async fn furnished(data_dir: &tempfile::TempDir) -> Option<Server> {
    let server = Server::start(small_daedap(data_dir.path())?).await;
    let id = collection(&server, "rules").await;
    for (source, text) in [("leave.md", HANDBOOK), ("재택근무.md", KOREAN_RULES)] {
        let job = add_document(&server, &id, source, text.as_bytes().to_vec()).await;
        assert_eq!(job["state"], "done", "{job}");
    }
    Some(server)
}

#[tokio::test]
async fn a_question_is_answered_streamed_cited_and_kept() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    let chat = conversation(&server).await;
    let events = ask(&server, &chat, "How many days of annual leave does every employee get?").await;

    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    let sources_at = names.iter().position(|name| *name == "sources").expect("sources come");
    let delta_at = names.iter().position(|name| *name == "delta").expect("text comes");
    assert!(sources_at < delta_at, "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "done").count(), 1, "{names:?}");
    let passages = events[sources_at].json();
    assert!(passages[0]["text"].as_str().unwrap().contains("17 days"), "{passages}");
    let done = done(&events);
    let streamed: String = events.iter().filter(|event| event.name == "delta").map(text_of).collect();
    assert_eq!(streamed, done["content"], "what was streamed is what is kept");
    assert!(done["usage"]["completion_tokens"].as_u64().unwrap() > 0, "{done}");
    assert!(done["timings_ms"]["first_token"].as_f64().unwrap() > 0.0, "{done}");
    for citation in done["citations"].as_array().unwrap() {
        assert_eq!(citation["number"], 1, "one passage was given, so no other number can be cited");
    }

    let server = server.restart().await;
    let kept = get(&server, &format!("/api/v1/conversations/{chat}")).await;
    assert_eq!(kept["turns"][0]["role"], "user");
    assert_eq!(kept["turns"][1]["content"], done["content"]);
    assert_eq!(kept["turns"][1]["state"], "complete");
    let feedback = json!({ "turn_id": done["turn_id"], "helpful": true, "comment": "고마워요" });
    let reply = server.post("/api/v1/feedback").json(&feedback).send().await.unwrap();
    assert_eq!(reply.status(), 204);
}

fn text_of(event: &SseEvent) -> String {
    event.json()["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_model_that_writes_no_korean_quotes_the_documents() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    let chat = conversation(&server).await;
    let done = done(&ask(&server, &chat, "재택근무는 일주일에 며칠까지 할 수 있나요?").await);
    assert_eq!(done["finish_reason"], "extractive", "{done}");
    assert_eq!(done["language"], "ko");
    assert!(done["content"].as_str().unwrap().contains("이틀까지 할 수 있습니다. [1]"), "{done}");
    assert_eq!(done["citations"][0]["title"], "재택근무 규정");
    assert!(done["html"].as_str().unwrap().contains("data-citation=\"1\""), "{done}");
}

#[tokio::test]
async fn what_the_documents_do_not_hold_is_declined_without_a_model() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    for (question, sentence) in [
        ("What is the boiling point of nitrogen?", "I could not find an answer to that in the documents."),
        ("김치찌개는 어떻게 끓이나요?", "문서에서 답을 찾지 못했습니다."),
    ] {
        let done = done(&ask(&server, &conversation(&server).await, question).await);
        assert_eq!(done["finish_reason"], "abstained", "{done}");
        assert_eq!(done["abstained"], true);
        assert_eq!(done["content"], sentence);
        assert_eq!(done["usage"]["completion_tokens"], 0);
        assert_eq!(done["citations"], json!([]));
    }
}

#[tokio::test]
async fn a_deleted_document_is_found_no_more() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    let query = json!({ "query": "annual leave days", "limit": 5 });
    let search = async || -> Value {
        server.post("/api/v1/search").json(&query).send().await.unwrap().json().await.unwrap()
    };
    let found = search().await;
    let document = found["passages"][0]["document"].as_str().unwrap().to_owned();
    assert_eq!(found["passages"][0]["source"], "leave.md");
    let reply = server.delete(&format!("/api/v1/documents/{document}")).send().await.unwrap();
    assert_eq!(reply.status(), 204);
    let found = search().await;
    let sources: Vec<&Value> = found["passages"].as_array().unwrap().iter().map(|p| &p["source"]).collect();
    assert!(!sources.contains(&&json!("leave.md")), "{found}");
    let reply = server.get(&format!("/api/v1/documents/{document}")).send().await.unwrap();
    assert_eq!(reply.status(), 404);
}

#[tokio::test]
async fn an_upload_that_cannot_be_read_says_why() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "bad").await;
    let broken_utf8 =
        b"plain text \xff\xfe\xfa\xc3\x28 \x80\x81 with bytes of no encoding \xf0\x28\x8c\xbc".to_vec();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec();
    for (source, bytes, code) in [
        ("empty.md", Vec::new(), "empty"),
        ("blank.txt", b" \n\t\n ".to_vec(), "empty"),
        ("picture.md", png, "unsupported_type"),
        ("broken.txt", broken_utf8, "bad_encoding"),
    ] {
        let job = add_document(&server, &id, source, bytes).await;
        assert_eq!(job["state"], "failed", "{source}: {job}");
        assert_eq!(job["error"]["code"], code, "{source}: {job}");
        assert!(!job["error"]["message"].as_str().unwrap().is_empty());
    }
    // A document of two gigabytes of spaces is read apart, and takes only its own process with it.
    let job = add_document(&server, &id, "bomb.docx", word_document(2 << 30)).await;
    assert_eq!(job["state"], "failed", "{job}");
    assert_eq!(job["error"]["code"], "too_costly", "{job}");
    // "안녕하세요. 연차 규정입니다." as Windows of the 1990s wrote it.
    let cp949 = b"\xbe\xc8\xb3\xe7\xc7\xcf\xbc\xbc\xbf\xe4. \xbf\xac\xc2\xf7 \xb1\xd4\xc1\xa4\xc0\xd4\xb4\xcf\xb4\xd9.".to_vec();
    let job = add_document(&server, &id, "old.txt", cp949).await;
    assert_eq!(job["state"], "done", "{job}");
    let query = json!({ "query": "연차 규정" });
    let found: Value = server.post("/api/v1/search").json(&query).send().await.unwrap().json().await.unwrap();
    assert!(found["passages"][0]["text"].as_str().unwrap().contains("연차 규정입니다"), "{found}");
}

/// A Word document with a very large number of spaces in its one paragraph.
fn word_document(spaces: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
    archive.start_file("[Content_Types].xml", options).unwrap();
    archive
        .write_all(
            b"<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>\
              <Override PartName='/word/document.xml' ContentType=\
              'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/></Types>",
        )
        .unwrap();
    archive.start_file("word/document.xml", options).unwrap();
    archive.write_all(b"<w:document><w:body><w:p><w:r><w:t>").unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..spaces >> 20 {
        archive.write_all(&block).unwrap();
    }
    archive.write_all(b"</w:t></w:r></w:p></w:body></w:document>").unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn office_documents_are_read_and_cited_with_their_pages() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "office").await;
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../parse/tests/formats");
    for name in ["annual-leave.ko.docx", "error-codes.pdf", "start.xlsx"] {
        let bytes = std::fs::read(samples.join(name)).unwrap();
        let job = add_document(&server, &id, name, bytes).await;
        assert_eq!(job["state"], "done", "{job}");
    }
    for (question, source, page) in [
        ("자녀 결혼 경조금은 얼마인가요?", "annual-leave.ko.docx", Value::Null),
        ("What does E04 mean for the temperature sensor in the tank?", "error-codes.pdf", json!(2)),
        ("씨앗 캡슐 3개 가격", "start.xlsx", Value::Null),
    ] {
        let query = json!({ "query": question });
        let found: Value =
            server.post("/api/v1/search").json(&query).send().await.unwrap().json().await.unwrap();
        let best = &found["passages"][0];
        assert_eq!((&best["source"], &best["page"]), (&json!(source), &page), "{found}");
    }
}

#[tokio::test]
async fn a_reader_who_leaves_frees_the_model_and_the_text_is_kept() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.variable("DAEDAP_CHAT__ANSWER_TOKENS", "1500")).await;
    let id = collection(&server, "rules").await;
    add_document(&server, &id, "leave.md", HANDBOOK.into()).await;
    let chat = conversation(&server).await;
    let question = "Tell me everything about annual leave, sick leave and all the days that employees get.";
    let mut events = Box::pin(sse::events(story::question_to(&server, &chat, question).await));
    while let Some(event) = events.next().await {
        if event.name == "delta" {
            break;
        }
    }
    drop(events);
    let answer = eventually("the answer to be marked", Duration::from_secs(20), async || {
        let kept = get(&server, &format!("/api/v1/conversations/{chat}")).await;
        (kept["turns"][1]["state"] != "writing").then(|| kept["turns"][1].clone())
    })
    .await;
    // A model that said all it had to say before the connection closed has nothing to interrupt.
    if answer["finish_reason"] != "stop" {
        assert_eq!(answer["state"], "interrupted", "{answer}");
        assert_eq!(answer["finish_reason"], "cancelled", "{answer}");
    }
    assert!(!answer["content"].as_str().unwrap().is_empty(), "{answer}");
    let next = ask(&server, &chat, "What is the boiling point of nitrogen?").await;
    assert_eq!(done(&next)["finish_reason"], "abstained");
}

#[tokio::test]
async fn every_error_has_one_shape() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let chat = conversation(&server).await;
    let turns = format!("/api/v1/conversations/{chat}/turns");
    let unknown = "/api/v1/conversations/00000000-0000-7000-8000-000000000000";
    let json_body = |body: &str| (Some("application/json"), body.to_owned());
    let long = json!({ "question": "가".repeat(50_000) }).to_string();
    let cases = [
        ("POST", turns.clone(), json_body("{\"question\":"), 400, "invalid_json"),
        ("POST", turns.clone(), json_body("[]"), 422, "invalid_value"),
        ("POST", turns.clone(), json_body("{\"question\":\" \\n\"}"), 422, "invalid_value"),
        ("POST", turns.clone(), json_body("{\"question\":\"q\",\"colour\":1}"), 422, "invalid_value"),
        ("POST", turns.clone(), json_body(&long), 422, "question_too_long"),
        ("POST", turns.clone(), json_body(&format!("\"{}\"", "x".repeat(1 << 20))), 413, "too_large"),
        ("POST", turns, (None, "{}".to_owned()), 415, "unsupported_media_type"),
        ("GET", unknown.to_owned(), (None, String::new()), 404, "not_found"),
        ("POST", format!("{unknown}/turns"), json_body("{\"question\":\"q\"}"), 404, "not_found"),
        ("GET", "/api/v1/conversations/nonsense".to_owned(), (None, String::new()), 400, "invalid_path"),
        (
            "GET",
            "/api/v1/jobs/00000000-0000-7000-8000-000000000000".to_owned(),
            (None, String::new()),
            404,
            "not_found",
        ),
        ("GET", "/api/v1/nothing".to_owned(), (None, String::new()), 404, "not_found"),
        ("GET", "/assets/..%2f..%2fCargo.toml".to_owned(), (None, String::new()), 404, "not_found"),
        ("PUT", "/api/v1/search".to_owned(), (None, String::new()), 405, "method_not_allowed"),
        (
            "POST",
            "/api/v1/search".to_owned(),
            json_body("{\"query\":\"q\",\"limit\":100000}"),
            422,
            "invalid_value",
        ),
        ("POST", "/api/v1/search".to_owned(), json_body("{\"query\":\"\"}"), 422, "invalid_value"),
        ("POST", "/api/v1/collections".to_owned(), json_body("{\"name\":\"\\u0000\"}"), 422, "invalid_value"),
    ];
    for (method, path, (media_type, body), status, code) in cases {
        let mut request = server.request(method.parse().unwrap(), &path).body(body);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), status, "{method} {path}");
        let id = reply.headers()["x-request-id"].to_str().unwrap().to_owned();
        let envelope: Value = reply.json().await.unwrap();
        assert_eq!(envelope["error"]["code"], code, "{method} {path}: {envelope}");
        assert_eq!(envelope["error"]["request_id"], id);
        assert!(!envelope["error"]["message"].as_str().unwrap().is_empty());
        assert!(server.log().contains(&id), "each error has its line in the log");
    }
    let turns = get(&server, &format!("/api/v1/conversations/{chat}")).await;
    assert_eq!(turns["turns"], json!([]), "a refused question leaves no turn");
}

#[tokio::test]
async fn other_sites_are_kept_out() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")] {
        let reply = server.post("/api/v1/conversations").header(name, value).send().await.unwrap();
        assert_eq!(reply.status(), 403, "{name}: {value}");
        let envelope: Value = reply.json().await.unwrap();
        assert_eq!(envelope["error"]["code"], "foreign_origin");
    }
    assert_eq!(get(&server, "/api/v1/conversations").await["conversations"], json!([]));
    let page = server.get("/").send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(page.text().await.unwrap().contains("<!doctype html>"));
}

#[tokio::test]
async fn documents_are_reindexed_while_they_are_searched_added_and_deleted() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(models) = tests::environment::require_models(&story::SMALL_MODELS) else { return };
    let own = story::own_embedder(&models, "passage: ");
    let server = Server::start(small_daedap(data_dir.path()).unwrap()).await;
    let id = collection(&server, "rules").await;
    add_document(&server, &id, "leave.md", HANDBOOK.into()).await;
    let long = format!("# Archive\n\n{}", "The archive keeps each letter for ten years. ".repeat(600));
    add_document(&server, &id, "archive.md", long.into()).await;
    let goes =
        add_document(&server, &id, "goes.md", "# Bicycles\n\nBicycles stand in the yard.".into()).await;

    let reindex = async |embedder: &str| {
        server.post("/api/v1/reindex").json(&json!({ "embedder": embedder })).send().await.unwrap()
    };
    assert_eq!(get(&server, "/api/v1/reindex").await["state"], "idle");
    assert_eq!(reindex(own.path().to_str().unwrap()).await.status(), 202);
    let second = reindex("all-minilm-l6-v2").await;
    assert_eq!(second.status(), 409);
    let envelope: Value = second.json().await.unwrap();
    assert_eq!(envelope["error"]["code"], "reindex_running", "{envelope}");
    let found = story::search(&server, "How many days of annual leave?").await;
    assert_eq!(found["passages"][0]["source"], "leave.md", "{found}");
    let document = goes["document"].as_str().unwrap();
    let deleted = server.delete(&format!("/api/v1/documents/{document}")).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(get(&server, "/api/v1/reindex").await["state"], "running", "the test needs more to embed");
    let comes = "# Canteen\n\nThe canteen serves soup on Fridays.";
    let job = add_document(&server, &id, "comes.md", comes.into()).await;
    assert_eq!(job["state"], "done", "{job}");

    let ended = story::finished_reindex(&server).await;
    assert_eq!(ended["report"]["switched"], true, "{ended}");
    let status = get(&server, "/api/v1/status").await;
    assert!(status["embedder"]["model"].as_str().unwrap().starts_with("sha256:"), "{status}");
    for (query, source) in [("soup on Fridays in the canteen", "comes.md"), ("annual leave", "leave.md")] {
        let found = story::search(&server, query).await;
        assert_eq!(found["passages"][0]["source"], source, "{found}");
        assert!(found["passages"][0]["dense_score"].is_number(), "{found}");
    }
    let found = story::search(&server, "Where do bicycles stand?").await;
    assert!(!found.to_string().contains("goes.md"), "{found}");
    for (embedder, expected) in
        [("", "1 to"), ("no-such-model", "no-such-model"), ("/no/such/folder", "model.onnx")]
    {
        let refused = reindex(embedder).await;
        assert_eq!(refused.status(), 422, "{embedder}");
        let envelope: Value = refused.json().await.unwrap();
        assert_eq!(envelope["error"]["field"], "embedder", "{envelope}");
        assert!(envelope["error"]["message"].as_str().unwrap().contains(expected), "{envelope}");
    }
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_finishes_its_answer() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = furnished(&data_dir).await else { return };
    let chat = conversation(&server).await;
    let response = story::question_to(&server, &chat, "How many days of sick leave are paid?").await;
    let mut events = Box::pin(sse::events(response));
    let first = events.next().await.expect("the answer begins");
    let (status, rest) = tokio::join!(server.stop(), events.collect::<Vec<_>>());
    assert!(status.success());
    let all: Vec<SseEvent> = std::iter::once(first).chain(rest).collect();
    assert_eq!(done(&all)["citations"].as_array().map(|citations| citations.len() <= 1), Some(true));
}

#[tokio::test]
async fn a_source_is_a_name_whatever_it_looks_like() {
    let house = tempfile::tempdir().unwrap();
    let data_dir = house.path().join("data/daedap");
    let Some(daedap) = small_daedap(&data_dir) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "names").await;
    let path = format!("/api/v1/collections/{id}/documents");
    let long = format!("{}.md", "가".repeat(100));
    for (source, kept) in [
        ("../../x", "../../x"),
        ("/etc/passwd", "/etc/passwd"),
        (long.as_str(), &long),
        ("\u{1112}\u{1161}\u{11ab}.md", "한.md"),
    ] {
        let job = add_document(&server, &id, source, b"A text of its own.".to_vec()).await;
        assert_eq!(job["state"], "done", "{job}");
        let listed = get(&server, &path).await;
        let sources: Vec<&Value> =
            listed["documents"].as_array().unwrap().iter().map(|document| &document["source"]).collect();
        assert!(sources.contains(&&json!(kept)), "{sources:?}");
    }
    for source in ["", " ", "a\0b", "a\nb", &"가".repeat(2_000)] {
        let body = json!({ "source": source, "text": "x" });
        let refused = server.post(&path).json(&body).send().await.unwrap();
        assert_eq!(refused.status(), 422, "{source:?}");
    }
    let beside: Vec<_> =
        std::fs::read_dir(house.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(beside, ["data"], "nothing is written by that name");
}
