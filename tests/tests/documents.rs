//! Documents over HTTP as they grow older: archives of them, what they said before, and the bytes they came from.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use serde_json::{Value, json};
use tests::archive::archive;
use tests::server::Server;
use tests::story::{add_document, collection, finished_job, get, search, small_daedap};

/// State, code of the error and source of each document's job in an archive, by source.
async fn members_of(server: &Server, job: &str) -> Vec<(String, String, String)> {
    let listed = get(server, &format!("/api/v1/jobs?parent={job}")).await;
    let mut members = Vec::new();
    for member in listed["jobs"].as_array().unwrap() {
        let ended = finished_job(server, member["id"].as_str().unwrap()).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        members.push((text(&ended["source"]), text(&ended["state"]), text(&ended["error"]["code"])));
    }
    members.sort();
    members
}

#[tokio::test]
async fn an_archive_is_its_documents() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "handbook").await;
    let upload = archive::<_, &[u8]>(&[
        ("규정/leave.md", b"# Leave\n\nSick leave is paid for ten days."),
        ("inner.zip", &archive(&[("x.md", "# X")])),
        ("logo.png", b"\x89PNG\r\n\x1a\n"),
        ("../../up.md", b"# Up"),
    ]);
    let job = add_document(&server, &id, "all.zip", upload).await;
    assert_eq!((job["state"].as_str(), &job["document"]), (Some("done"), &Value::Null), "{job}");
    let expected = [
        ("all.zip/../../up.md", "failed", "bad_source"),
        ("all.zip/inner.zip", "failed", "unsupported_type"),
        ("all.zip/logo.png", "failed", "unsupported_type"),
        ("all.zip/규정/leave.md", "done", ""),
    ];
    let expected =
        expected.map(|(source, state, code)| (source.to_owned(), state.to_owned(), code.to_owned()));
    assert_eq!(members_of(&server, job["id"].as_str().unwrap()).await, expected);
    let found = search(&server, "sick leave").await;
    assert_eq!(found["passages"][0]["source"], "all.zip/규정/leave.md", "{found}");

    let names: Vec<String> = (0..100_000).map(|number| format!("{number}.txt")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let refused = add_document(&server, &id, "many.zip", archive(&members)).await;
    assert_eq!(refused["error"]["code"], "too_costly", "{refused}");
}

#[tokio::test]
async fn a_document_remembers_what_it_said_and_where_it_came_from() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "handbook").await;
    let first = "# Parking\n\nThe garage closes at ten.";
    let job = add_document(&server, &id, "parking.md", first.into()).await;
    add_document(&server, &id, "parking.md", b"# Parking\n\nThe garage closes at midnight.".to_vec()).await;
    let document = format!("/api/v1/documents/{}", job["document"].as_str().unwrap());

    let history = async || {
        let listed = get(&server, &format!("{document}/versions")).await;
        let versions = listed["versions"].as_array().unwrap().iter();
        versions.map(|version| (version["number"].clone(), version["state"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(history().await, [(json!(2), json!("live")), (json!(1), json!("superseded"))]);
    let old = get(&server, &format!("{document}/versions/1")).await;
    assert!(old["text"].as_str().unwrap().contains("at ten"), "{old}");

    let restored = server.post(&format!("{document}/versions/1/restore")).send().await.unwrap();
    assert_eq!(restored.status(), 200);
    assert_eq!(restored.json::<Value>().await.unwrap()["version_number"], 3);
    assert_eq!(history().await[0], (json!(3), json!("live")));
    let found = search(&server, "when does the garage close").await;
    assert!(found["passages"][0]["text"].as_str().unwrap().contains("at ten"), "{found}");
    let absent = server.post(&format!("{document}/versions/9/restore")).send().await.unwrap();
    assert_eq!(absent.status(), 404);

    let reply = server.get(&format!("{document}/original")).send().await.unwrap();
    assert_eq!(reply.headers()["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(reply.text().await.unwrap(), first);
    let reply = server.get(&format!("{document}/original?version=2")).send().await.unwrap();
    assert!(reply.text().await.unwrap().contains("at midnight"));

    let read: Value = server.post(&format!("{document}/read")).send().await.unwrap().json().await.unwrap();
    let job = finished_job(&server, read["job"]["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(history().await[0], (json!(4), json!("live")));

    for file in std::fs::read_dir(data_dir.path().join("originals")).unwrap().flatten() {
        std::fs::remove_file(file.path()).unwrap();
    }
    for reply in [
        server.get(&format!("{document}/original")).send().await.unwrap(),
        server.post(&format!("{document}/read")).send().await.unwrap(),
    ] {
        assert_eq!(reply.status(), 404);
        assert_eq!(reply.json::<Value>().await.unwrap()["error"]["code"], "original_missing");
    }
}
