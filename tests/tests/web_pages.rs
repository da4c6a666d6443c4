//! Pages of the Web as documents, and what a server does not fetch for anybody.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;

use axum::Router;
use axum::http::header;
use axum::routing::get as page;
use serde_json::{Value, json};
use tests::server::Server;
use tests::story::{collection, finished_job, search, small_daedap};

/// A site with two pages; its address.
async fn site() -> String {
    let html = "<html><head><title>안내</title></head><body><main><h1>출입 안내</h1>\
                <p>출입문 비밀번호는 분기마다 바뀝니다.</p></main></body></html>";
    // As Korean sites once were: EUC-KR, and only the bytes say so.
    let (old, _, _) = encoding_rs::EUC_KR.encode("오래된 누리집의 안내입니다. 주차장은 밤 열 시에 닫습니다.");
    let old = old.into_owned();
    let dated = [(header::LAST_MODIFIED, "Wed, 21 Oct 2026 07:28:00 GMT")];
    let pages = Router::new()
        .route("/%EC%95%88%EB%82%B4", page(move || async move { (dated, html) }))
        .route("/old", page(move || async move { old }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, pages).into_future());
    format!("http://{address}")
}

fn allow(data_dir: &Path, site: &str) {
    let host = site.trim_start_matches("http://");
    std::fs::write(data_dir.join("daedap.toml"), format!("[web]\nallowed_hosts = [{host:?}]\n")).unwrap();
}

async fn bring(server: &Server, collection: &str, url: &str) -> (u16, Value) {
    let path = format!("/api/v1/collections/{collection}/documents");
    let reply = server.post(&path).json(&json!({ "url": url })).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test]
async fn a_page_that_is_named_is_fetched_and_answers() {
    let data_dir = tempfile::tempdir().unwrap();
    let site = site().await;
    allow(data_dir.path(), &site);
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let id = collection(&server, "default").await;
    let (status, reply) = bring(&server, &id, &format!("{site}/안내#part")).await;
    assert_eq!(status, 202, "{reply}");
    let job = finished_job(&server, reply["job"]["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "done", "{job}");
    let found = &search(&server, "출입문 비밀번호").await["passages"][0];
    assert_eq!(found["title"], "출입 안내", "{found}");
    assert_eq!(found["source"], format!("{site}/%EC%95%88%EB%82%B4"), "{found}");
    assert_eq!(found["dated_at"], "2026-10-21T07:28:00Z", "{found}");
    let (status, reply) = bring(&server, &id, &format!("{site}/none")).await;
    assert_eq!((status, &reply["error"]["code"]), (502, &"page_status".into()), "{reply}");
    // The same by the command line, through the server and without it.
    let ingest = async || -> Value {
        let output = daedap.run(&["ingest", &format!("{site}/old"), &format!("{site}/안내"), "--json"]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let report = ingest().await;
    assert_eq!((&report["added"], &report["failed"]), (&1.into(), &json!([])), "{report}");
    let found = search(&server, "주차장은 언제 닫나요?").await;
    assert!(found["passages"][0]["text"].as_str().unwrap().contains("밤 열 시"), "{found}");
    assert!(server.stop().await.success());
    assert_eq!(ingest().await["unchanged"], 2);
}

#[tokio::test]
async fn a_server_fetches_nothing_from_its_own_network() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let id = collection(&server, "default").await;
    let own = server.url("/healthz");
    for (url, expected) in [
        (own.as_str(), "address_refused"),
        ("http://[::ffff:7f00:1]/", "address_refused"),
        ("http://0x7f.1/", "address_refused"),
        ("http://localhost/", "address_refused"),
        ("http://169.254.169.254/latest/meta-data/", "address_refused"),
        ("file:///etc/passwd", "bad_url"),
        ("http://ann:secret@127.0.0.1/", "bad_url"),
        ("안내", "bad_url"),
    ] {
        let (status, reply) = bring(&server, &id, url).await;
        assert_eq!((status, &reply["error"]["code"]), (422, &expected.into()), "{url}: {reply}");
        assert_eq!(reply["error"]["field"], "url");
    }
    let both = json!({ "url": "http://example.com/", "text": "x", "source": "x" });
    let path = format!("/api/v1/collections/{id}/documents");
    assert_eq!(server.post(&path).json(&both).send().await.unwrap().status(), 422);
    assert!(server.stop().await.success());
    let output = daedap.run(&["ingest", &own, "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["failed"][0]["code"], "address_refused", "{report}");
}
