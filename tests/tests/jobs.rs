//! Uploads on their way in: followed, cancelled, tried again, and none in the way of another.

#![allow(clippy::unwrap_used)] // In a test it is the report.

mod holdings;

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tests::eventually::eventually;
use tests::server::Server;
use tests::sse;
use tests::story::{add_document, collection, finished_job, get, search, small_daedap, upload};

use crate::holdings::holdings;

/// Embedding some hundred chunks in a build without optimisation, on a busy machine.
const EMBEDDED_WITHIN: Duration = Duration::from_secs(120);

/// A text of about `chunks` chunks, each of which has something of its own.
fn long_text(chunks: usize) -> String {
    let section = |number: usize| {
        format!("## Rule {number}\n\n{}\n\n", format!("Rule {number} says what to do, and when. ").repeat(24))
    };
    format!("# Rules\n\n{}", (0..chunks).map(section).collect::<String>())
}

/// The job's events until `wanted` says that one is the right one; that one.
async fn event_of(server: &Server, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let response = server.get(&format!("/api/v1/jobs/{job}/events")).send().await.unwrap();
    let mut events = sse::events(response);
    while let Some(event) = events.next().await {
        assert_eq!(event.name, "job", "{event:?}");
        let job = event.json()["job"].clone();
        if wanted(&job) {
            return job;
        }
    }
    panic!("the job's events ended without it");
}

fn is_embedding(job: &Value) -> bool {
    job["progress"]["stage"] == "embedding" && job["progress"]["done"].as_u64() > Some(0)
}

#[tokio::test]
async fn a_job_is_followed_from_the_first_chunk_to_the_last() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    let job = upload(&server, &id, "rules.md", long_text(200).into()).await;
    let response = server.get(&format!("/api/v1/jobs/{job}/events")).send().await.unwrap();
    let jobs: Vec<Value> =
        sse::collect(response).await.iter().map(|event| event.json()["job"].clone()).collect();
    let done: Vec<u64> = jobs.iter().filter_map(|job| job["progress"]["done"].as_u64()).collect();
    assert!(done.len() > 1 && done.is_sorted(), "{done:?}");
    let last = jobs.last().unwrap();
    assert_eq!((&last["state"], &last["progress"]), (&"done".into(), &Value::Null), "{last}");
    let absent = server.get("/api/v1/jobs/00000000-0000-0000-0000-000000000001/events").send().await.unwrap();
    assert_eq!(absent.status(), 404);
}

#[tokio::test]
async fn a_cancelled_job_leaves_nothing_and_the_old_version_answers() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    let text = "# Rules\n\nThe old rules: the gate closes at ten.";
    assert_eq!(add_document(&server, &id, "rules.md", text.into()).await["state"], "done");
    for source in ["new.md", "rules.md"] {
        let job = upload(&server, &id, source, long_text(600).into()).await;
        event_of(&server, &job, is_embedding).await;
        let path = format!("/api/v1/jobs/{job}");
        let cancelled = server.delete(&path).send().await.unwrap();
        assert_eq!(cancelled.status(), 200);
        assert_eq!(get(&server, &path).await["job"]["state"], "cancelled");
        assert_eq!(server.delete(&path).send().await.unwrap().status(), 409, "it has ended");
    }
    let found = search(&server, "When does the gate close?").await;
    assert_eq!(found["passages"][0]["source"], "rules.md", "{found}");
    // Another job is done only after the worker has put away what it had begun.
    assert_eq!(
        add_document(&server, &id, "after.md", b"# After\n\nAll is well.".to_vec()).await["state"],
        "done"
    );
    assert!(server.stop().await.success());
    let held = holdings(data_dir.path()).await;
    held.assert_nothing_else();
    let expected = [("after.md".to_owned(), 1), ("rules.md".to_owned(), 1)];
    assert_eq!(held.documents, expected);
}

#[tokio::test]
async fn a_long_document_is_in_nobodys_way_and_is_taken_up_after_a_stop() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    let long = upload(&server, &id, "long.md", long_text(400).into()).await;
    event_of(&server, &long, is_embedding).await;
    assert_eq!(add_document(&server, &id, "short.md", b"# Short\n\nA note.".to_vec()).await["state"], "done");
    let state = get(&server, &format!("/api/v1/jobs/{long}")).await["job"]["state"].clone();
    assert_eq!(state, "running", "the short one did not wait for it");
    let daedap = small_daedap(data_dir.path()).unwrap();
    assert!(server.stop().await.success(), "nobody waits for a document when the server stops");
    let server = Server::start(daedap).await;
    let ended = event_of(&server, &long, |job| job["state"] == "done").await;
    assert_eq!(ended["retries"], 0, "a stop is no failure: {ended}");
    assert!(server.stop().await.success());
    let held = holdings(data_dir.path()).await;
    held.assert_nothing_else();
    assert_eq!(held.documents.len(), 2);
}

#[tokio::test]
async fn a_job_that_failed_is_listed_with_its_reason_and_tried_again() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let id = collection(&server, "rules").await;
    let failed = add_document(&server, &id, "빈 문서.md", b" \n".to_vec()).await;
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&"failed".into(), &"empty".into()), "{failed}");
    let job = failed["id"].as_str().unwrap();
    let jobs = async |arguments: &[&str]| -> Value {
        let arguments: Vec<&str> = ["jobs"].iter().chain(arguments).chain(&["--json"]).copied().collect();
        let output = daedap.run(&arguments).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(jobs(&["list", "--state", "failed"]).await["jobs"][0]["source"], "빈 문서.md");
    assert_eq!(jobs(&["list", "--state", "done"]).await["jobs"], json!([]));
    assert_eq!(jobs(&["retry", job]).await["jobs"][0]["state"], "queued");
    let again = finished_job(&server, job).await;
    assert_eq!((&again["state"], &again["attempts"]), (&"failed".into(), &2.into()), "{again}");
    // The same without a server: it waits for the next one.
    assert!(server.stop().await.success());
    assert_eq!(jobs(&["retry", job]).await["jobs"][0]["state"], "queued");
    assert_eq!(jobs(&["cancel", job]).await["jobs"][0]["state"], "cancelled");
    let unknown = daedap.run(&["jobs", "cancel", "00000000-0000-0000-0000-000000000001"]).await;
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test]
async fn a_list_of_jobs_has_pages_and_bounds() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    for number in 0..5 {
        upload(&server, &id, &format!("{number}.md"), format!("# Rule {number}\n\nRule {number}.").into())
            .await;
    }
    let mut sources = Vec::new();
    let mut path = "/api/v1/jobs?limit=2".to_owned();
    loop {
        let page = get(&server, &path).await;
        sources.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["source"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/jobs?limit=2&before={next}");
    }
    assert_eq!(sources, ["4.md", "3.md", "2.md", "1.md", "0.md"]);
    for bad in ["state=unknown", "limit=-1", "before=x", "page=2"] {
        let status = server.get(&format!("/api/v1/jobs?{bad}")).send().await.unwrap().status();
        assert_eq!(status, 400, "{bad}");
    }
    eventually("all to be done", EMBEDDED_WITHIN, async || {
        let done = get(&server, "/api/v1/jobs?state=done").await;
        (done["jobs"].as_array().unwrap().len() == 5).then_some(())
    })
    .await;
}
