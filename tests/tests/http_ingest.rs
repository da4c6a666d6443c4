//! What the API takes in besides single documents: forced uploads, sites, sets of questions; and the language it answers in.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use futures::StreamExt;
use reqwest::header::ACCEPT_LANGUAGE;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::server::Server;
use tests::sse;
use tests::story::{collection, finished_job, get, small_daedap};

const LEAVE: &str = "# Leave\n\nEvery employee gets 17 days of annual leave per year.\n";

/// The reply's status and body.
async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let reply = server.post(path).json(body).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test]
async fn the_same_bytes_make_a_new_version_only_by_force() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let path = format!("/api/v1/collections/{}/documents", collection(&server, "rules").await);
    let text = |force: bool| json!({ "source": "leave.md", "text": LEAVE, "force": force });
    let file = |force: &'static str| {
        let part = Part::bytes(LEAVE.as_bytes()).file_name("leave.md");
        server.post(&path).multipart(Form::new().text("force", force).part("file", part))
    };
    for (request, forced, version) in [
        (server.post(&path).json(&text(false)), false, 1),
        (server.post(&path).json(&text(false)), false, 1),
        (server.post(&path).json(&text(true)), true, 2),
        (file("false"), false, 2),
        (file("true"), true, 3),
    ] {
        let reply: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(reply["job"]["forced"], forced, "{reply}");
        let job = finished_job(&server, reply["job"]["id"].as_str().unwrap()).await;
        let document =
            get(&server, &format!("/api/v1/documents/{}", job["document"].as_str().unwrap())).await;
        assert_eq!(document["version_number"], version, "{document}");
    }
    let refused = file("maybe").send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["field"], "force");
}

/// A name as macOS writes it, and as everything else does.
const SPELLINGS: [&str; 2] = ["\u{1100}\u{1172}\u{110c}\u{1165}\u{11bc}.md", "\u{ADDC}\u{C815}.md"];

#[tokio::test]
async fn uploads_of_one_document_in_two_spellings_are_ingested_in_their_order() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.variable("DAEDAP_INGEST__WORKERS", "2")).await;
    let path = format!("/api/v1/collections/{}/documents", collection(&server, "rules").await);
    // The older one takes longer.
    let older = "## Leave\n\nEvery employee gets days of leave.\n\n".repeat(60);
    let mut jobs = Vec::new();
    for (source, text) in [(SPELLINGS[0], older.as_str()), (SPELLINGS[1], "# Leave\n\nThe newer text.")] {
        let (status, reply) = post(&server, &path, &json!({ "source": source, "text": text })).await;
        assert_eq!((status, &reply["job"]["source"]), (202, &json!(SPELLINGS[1])), "{reply}");
        jobs.push(reply["job"]["id"].as_str().unwrap().to_owned());
    }
    let ended = futures::future::join_all(jobs.iter().map(|job| finished_job(&server, job))).await;
    assert_eq!(ended[0]["document"], ended[1]["document"], "{ended:?}");
    let document =
        get(&server, &format!("/api/v1/documents/{}", ended[1]["document"].as_str().unwrap())).await;
    assert_eq!((&document["version_number"], &document["chunk_count"]), (&2.into(), &1.into()), "{document}");
}

#[tokio::test]
async fn sample_documents_are_loaded_once() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let documents = async |server: &Server| -> Vec<String> {
        let listed = get(server, "/api/v1/collections").await;
        let Some(sample) = listed["collections"][0]["id"].as_str() else { return Vec::new() };
        let listed = get(server, &format!("/api/v1/collections/{sample}/documents")).await;
        let id = |document: &Value| document["id"].as_str().unwrap().to_owned();
        listed["documents"].as_array().unwrap().iter().map(id).collect()
    };
    let server = Server::start_with_sample(daedap.clone()).await;
    let loaded = documents(&server).await;
    assert!(loaded.len() > 3, "{loaded:?}");
    let deleted = server.delete(&format!("/api/v1/documents/{}", loaded[0])).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert!(server.stop().await.success());

    let server = Server::start_with_sample(daedap.clone()).await;
    assert_eq!(documents(&server).await, loaded[1..], "what is deleted stays deleted");
    let listed = get(&server, "/api/v1/collections").await;
    let sample = listed["collections"][0]["id"].as_str().unwrap();
    let deleted = server.delete(&format!("/api/v1/collections/{sample}")).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert!(server.stop().await.success());

    let server = Server::start_with_sample(daedap).await;
    assert_eq!(documents(&server).await, [""; 0], "and so does the collection");
}

#[tokio::test]
async fn questions_are_imported_all_or_none() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let questions =
        format!("/api/v1/collections/{}/evaluation/questions", collection(&server, "rules").await);
    let import = format!("{questions}/import");
    let good = json!({ "question": "How many days?", "expected": ["leave.md"] });
    let bad = json!({ "question": " " });
    let (status, refused) = post(&server, &import, &json!({ "questions": [good, bad] })).await;
    assert_eq!((status, &refused["error"]["field"]), (422, &json!("question")), "{refused}");
    assert_eq!(get(&server, &questions).await["questions"], json!([]), "the good one was not stored either");
    let other = json!({ "question": "What is the boiling point of nitrogen?" });
    let added = post(&server, &import, &json!({ "questions": [good, other] })).await;
    assert_eq!(added, (201, json!({ "added": 2 })));
    assert_eq!(get(&server, &questions).await["questions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn messages_and_errors_come_in_the_callers_language() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let messages = async |query: &str, accepted: &str| -> Value {
        let request = server.get(&format!("/api/v1/messages{query}")).header(ACCEPT_LANGUAGE, accepted);
        request.send().await.unwrap().json().await.unwrap()
    };
    for (query, accepted, locale) in [
        ("", "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("", "fr", "en"),
        ("?locale=en", "ko", "en"),
        ("?locale=ko", "en", "ko"),
    ] {
        let reply = messages(query, accepted).await;
        assert_eq!(reply["locale"], locale, "{query} {accepted}");
        assert!(!reply["messages"]["chat-send"].as_str().unwrap().is_empty(), "{reply}");
    }
    assert_ne!(
        messages("?locale=ko", "en").await["messages"],
        messages("?locale=en", "en").await["messages"]
    );
    assert_eq!(messages("?locale=fr", "en").await["error"]["code"], "invalid_query");

    let sites = format!("/api/v1/collections/{}/sites", collection(&server, "rules").await);
    let body = json!({ "url": "http://127.0.0.1:9/", "follow": "links" });
    let mut errors = Vec::new();
    for accepted in ["en", "ko"] {
        let request = server.post(&sites).header(ACCEPT_LANGUAGE, accepted).json(&body);
        let events = sse::collect(request.send().await.unwrap()).await;
        let [error] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((error.name.as_str(), &error.json()["code"]), ("error", &json!("address_refused")));
        errors.push(error.json()["message"].clone());
    }
    assert_ne!(errors[0], errors[1]);
}

/// A site of which every page links to the next one; it counts the pages that were fetched.
async fn endless_site() -> (String, Arc<AtomicUsize>) {
    async fn page(State(fetched): State<Arc<AtomicUsize>>, request: Request) -> Response {
        let Ok(number) = request.uri().path().trim_matches('/').parse::<usize>() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        fetched.fetch_add(1, Ordering::SeqCst);
        let next = number + 1;
        Html(format!(
            "<!doctype html><html><body><h1>Page {number}</h1><p>Text {number}.</p><a href='/{next}'>next</a>"
        ))
        .into_response()
    }
    let fetched = Arc::<AtomicUsize>::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let router = Router::new().fallback(page).with_state(fetched.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (host, fetched)
}

#[tokio::test]
async fn a_crawl_is_streamed_bounded_and_ends_with_its_reader() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let (host, fetched) = endless_site().await;
    std::fs::write(data_dir.path().join("daedap.toml"), format!("[web]\nallowed_hosts = [{host:?}]\n"))
        .unwrap();
    let server = Server::start(daedap).await;
    let path = format!("/api/v1/collections/{}/sites", collection(&server, "site").await);
    for (field, value) in [("max_pages", 0), ("max_pages", 100_001), ("max_depth", 101)] {
        let mut body = json!({ "url": format!("http://{host}/1"), "follow": "links" });
        body[field] = json!(value);
        let (status, refused) = post(&server, &path, &body).await;
        assert_eq!((status, &refused["error"]["field"]), (422, &json!(field)), "{refused}");
    }

    let start = format!("http://{host}/1");
    let body = json!({ "url": start, "follow": "links", "max_pages": 2 });
    let events = sse::collect(server.post(&path).json(&body).send().await.unwrap()).await;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["finished", "finished", "done"]);
    assert_eq!(events[0].json(), json!({ "source": start, "outcome": "added" }));
    assert_eq!(events[2].json()["added"], 2, "{events:?}");

    let body = json!({ "url": start, "follow": "links", "max_pages": 1_000, "max_depth": 100 });
    let mut crawl = Box::pin(sse::events(server.post(&path).json(&body).send().await.unwrap()));
    assert_eq!(crawl.next().await.unwrap().name, "finished");
    drop(crawl);
    // A fetch that was on its way may still arrive; the pauses between pages are half a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = fetched.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(fetched.load(Ordering::SeqCst), after, "nobody reads, and the crawl goes on");
}
