//! Conversations under stress: questions at once, too many of them, a database or a generator that goes away.

#![allow(clippy::unwrap_used)] // In a test it is the report.

mod upstream;

use std::path::Path;
use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use tests::cable::Cable;
use tests::daedap::Daedap;
use tests::eventually::eventually;
use tests::postgres::fresh_database_url;
use tests::server::Server;
use tests::sse::{self, SseEvent};
use tests::story::{self, add_document, collection, conversation, done, get, question_to, small_daedap};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::upstream::{Reply, Upstream};

const HANDBOOK: &str = "# Leave policy\n\n## Annual leave\n\nEvery employee gets 17 days of annual leave per year. \
    Unused days can be carried over until 31 March.\n";
const QUESTION: &str = "How many days of annual leave does every employee get?";
const STORED_WITHIN: Duration = Duration::from_secs(60);
const QUEUED_WITHIN: Duration = Duration::from_secs(60);

/// `daedap` whose answers come from `upstream`.
fn remote_daedap(data_dir: &Path, upstream: &Upstream) -> Option<Daedap> {
    Some(small_daedap(data_dir)?.variable("DAEDAP_GENERATOR__URL", &upstream.url))
}

/// A server with one document.
async fn furnished(daedap: Daedap) -> Server {
    let server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    let job = add_document(&server, &id, "leave.md", HANDBOOK.into()).await;
    assert_eq!(job["state"], "done", "{job}");
    server
}

/// A server whose PostgreSQL can be unplugged; `None` where a part is missing.
async fn server_on_a_cable(data_dir: &Path, upstream: &Upstream) -> Option<(Server, Cable)> {
    let (daedap, url) = (remote_daedap(data_dir, upstream)?, fresh_database_url()?);
    let (cable, url) = Cable::to(&url).await;
    Some((furnished(daedap.variable("DAEDAP_DATABASE_URL", &url)).await, cable))
}

async fn turns(server: &Server, chat: &str) -> Vec<Value> {
    let shown = get(server, &format!("/api/v1/conversations/{chat}")).await;
    shown["turns"].as_array().unwrap_or_else(|| panic!("no turns: {shown}")).clone()
}

/// The answer of a conversation with one exchange, once it is not being written any more.
async fn ended_answer(server: &Server, chat: &str) -> Value {
    eventually("the answer to be stored", STORED_WITHIN, async || {
        let reply = server.get(&format!("/api/v1/conversations/{chat}")).send().await.ok()?;
        let shown: Value = reply.error_for_status().ok()?.json().await.ok()?;
        let answer = shown["turns"].get(1)?.clone();
        (answer["state"] != "writing").then_some(answer)
    })
    .await
}

async fn refusal(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let envelope: Value = response.json().await.unwrap();
    (status, envelope["error"]["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_second_question_is_refused_before_it_is_stored() {
    let data_dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let Some(daedap) = remote_daedap(data_dir.path(), &upstream) else { return };
    let server = furnished(daedap).await;
    let chat = conversation(&server).await;
    let first = question_to(&server, &chat, QUESTION).await;
    assert_eq!(first.status(), 200);
    let reply = upstream.asked().await;
    reply.say("17 days");
    let second = question_to(&server, &chat, "And how many may be carried over?").await;
    assert_eq!(refusal(second).await, (409, "conversation_busy".to_owned()));
    assert_eq!(turns(&server, &chat).await.len(), 2);
    reply.finish();
    done(&sse::collect(first).await);

    let third = question_to(&server, &chat, "Until when can unused days be carried over?").await;
    assert_eq!(third.status(), 200);
    upstream.asked().await.finish();
    done(&sse::collect(third).await);
    let turns = turns(&server, &chat).await;
    assert_eq!(turns.len(), 4);
    for pair in turns.chunks(2) {
        assert_eq!((&pair[0]["question"], &pair[1]["question"]), (&Value::Null, &pair[0]["id"]), "{turns:?}");
    }
}

#[tokio::test]
async fn a_reader_who_leaves_can_ask_again_at_once() {
    let data_dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let Some(daedap) = remote_daedap(data_dir.path(), &upstream) else { return };
    let server = furnished(daedap).await;
    let chat = conversation(&server).await;
    let left = question_to(&server, &chat, QUESTION).await;
    let _silent = upstream.asked().await;
    drop(left);
    let again = question_to(&server, &chat, QUESTION).await;
    assert_eq!(again.status(), 200, "{}", again.text().await.unwrap());
    upstream.asked().await.finish();
    done(&sse::collect(again).await);
    assert_eq!(turns(&server, &chat).await[1]["state"], "interrupted");
}

/// Asks `count` questions at once, each in a conversation of its own: those accepted, those refused, and the number of
/// turns that are stored.
async fn asked_at_once(server: &Server, count: usize) -> (Vec<reqwest::Response>, usize, usize) {
    let chats = join_all((0..count).map(|_| conversation(server))).await;
    let responses = join_all(chats.iter().map(|chat| question_to(server, chat, QUESTION))).await;
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for response in responses {
        if response.status() == 200 {
            accepted.push(response);
            continue;
        }
        assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
        assert_eq!(refusal(response).await, (429, "overloaded".to_owned()));
        refused += 1;
    }
    let stored = join_all(chats.iter().map(|chat| turns(server, chat))).await;
    (accepted, refused, stored.iter().map(Vec::len).sum())
}

#[tokio::test]
async fn questions_beyond_the_queue_are_refused_before_they_are_stored() {
    let data_dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let Some(daedap) = remote_daedap(data_dir.path(), &upstream) else { return };
    let daedap = daedap.variable("DAEDAP_GENERATOR__PARALLEL", "2");
    let server = furnished(daedap.variable("DAEDAP_GENERATOR__QUEUE_LENGTH", "1")).await;
    let (accepted, refused, turns) = asked_at_once(&server, 8).await;
    assert_eq!((accepted.len(), refused, turns), (3, 5, 6));
    let queued = Notify::new();
    let reading = join_all(accepted.into_iter().map(async |response| {
        let note = |event: &SseEvent| {
            if event.name == "queued" {
                queued.notify_one();
            }
        };
        sse::events(response).inspect(note).collect::<Vec<_>>().await
    }));
    let answering = async {
        let first = [upstream.asked().await, upstream.asked().await];
        timeout(QUEUED_WITHIN, queued.notified()).await.expect("the third one waits");
        first.into_iter().for_each(Reply::finish);
        upstream.asked().await.finish();
    };
    let (answers, ()) = tokio::join!(reading, answering);
    answers.iter().for_each(|events| drop(done(events)));
}

#[tokio::test]
async fn the_local_engine_refuses_before_anything_is_stored() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let daedap = daedap.variable("DAEDAP_GENERATOR__PARALLEL", "1");
    let server = furnished(daedap.variable("DAEDAP_GENERATOR__QUEUE_LENGTH", "1")).await;
    let (accepted, refused, turns) = asked_at_once(&server, 12).await;
    assert!(refused > 0 && accepted.len() + refused == 12, "{} of 12", accepted.len());
    assert_eq!(turns, 2 * accepted.len());
    let answers = join_all(accepted.into_iter().map(sse::collect)).await;
    answers.iter().for_each(|events| drop(done(events)));
}

#[tokio::test]
async fn searches_beyond_the_queue_are_refused() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let daedap = daedap.variable("DAEDAP_RETRIEVAL__PARALLEL", "1");
    let server = furnished(daedap.variable("DAEDAP_RETRIEVAL__QUEUE_LENGTH", "1")).await;
    let search = |number: usize| {
        let query = format!("{number} {}", "annual leave ".repeat(250));
        server.post("/api/v1/search").json(&json!({ "query": query })).send()
    };
    let mut refused = 0;
    for response in join_all((0..40).map(search)).await {
        let response = response.unwrap();
        if response.status() == 429 {
            assert!(response.headers().contains_key("retry-after"));
            refused += 1;
        } else {
            assert_eq!(response.status(), 200);
        }
    }
    assert!(refused > 0, "40 at once, and two may be there");
}

#[tokio::test]
async fn an_answer_goes_on_while_the_database_is_gone_and_is_stored_when_it_is_back() {
    let data_dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let Some((server, cable)) = server_on_a_cable(data_dir.path(), &upstream).await else { return };
    let chat = conversation(&server).await;
    let mut events = Box::pin(sse::events(question_to(&server, &chat, QUESTION).await));
    let reply = upstream.asked().await;
    reply.say("It is ");
    read_delta(&mut events, "It is ").await;
    cable.pull_out();
    eventually("the loss to be noticed", STORED_WITHIN, async || {
        let status = server.get("/readyz").send().await.ok()?.status();
        (status == 503).then_some(())
    })
    .await;
    // More than one interim save fails.
    for word in ["17 ", "days ", "of leave."] {
        reply.say(word);
        read_delta(&mut events, word).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    reply.finish();
    tokio::time::sleep(Duration::from_secs(1)).await;
    cable.plug_in();
    let rest: Vec<SseEvent> = events.collect().await;
    let content = done(&rest)["content"].as_str().unwrap().to_owned();
    assert!(content.starts_with("It is 17 days of leave."), "{content}");
    let answer = ended_answer(&server, &chat).await;
    assert_eq!((&answer["state"], &answer["content"]), (&"complete".into(), &content.into()));
}

async fn read_delta(events: &mut (impl Stream<Item = SseEvent> + Unpin), text: &str) {
    while let Some(event) = events.next().await {
        if event.name == "delta" {
            assert_eq!(event.json()["text"], text);
            return;
        }
        assert_ne!(event.name, "error", "{event:?}");
    }
    panic!("the stream ended before {text:?}");
}

#[tokio::test]
async fn an_answer_that_fails_without_its_database_is_marked_when_it_is_back() {
    let data_dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let Some((server, cable)) = server_on_a_cable(data_dir.path(), &upstream).await else { return };
    let chat = conversation(&server).await;
    let response = question_to(&server, &chat, QUESTION).await;
    let reply = upstream.asked().await;
    reply.say("17");
    cable.pull_out();
    // The stream of the generator breaks off.
    drop(reply);
    let events = sse::collect(response).await;
    assert_eq!(events.last().unwrap().json()["code"], "generator_unavailable", "{events:?}");
    cable.plug_in();
    let answer = ended_answer(&server, &chat).await;
    assert_eq!((&answer["state"], &answer["content"]), (&"interrupted".into(), &"17".into()));
    assert_eq!(question_to(&server, &chat, QUESTION).await.status(), 200, "the conversation goes on");
}

#[tokio::test]
async fn readiness_names_the_part_that_is_not_ready() {
    let data_dir = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let Some(daedap) = remote_daedap(data_dir.path(), &upstream) else { return };
    let server = Server::start(daedap).await;
    upstream.stop();
    let response = eventually("the loss to be noticed", STORED_WITHIN, async || {
        let response = server.get("/readyz").send().await.ok()?;
        (response.status() == 503).then_some(response)
    })
    .await;
    let envelope: Value = response.json().await.unwrap();
    assert_eq!(envelope["error"]["code"], "not_ready");
    let message = envelope["error"]["message"].as_str().unwrap();
    assert!(message.contains("generator") && !message.contains("database"), "{message}");
    let alive = server.get("/healthz").send().await.unwrap();
    assert_eq!(alive.status(), 200);
}

#[tokio::test]
async fn a_refused_key_and_a_missing_model_name_the_settings() {
    for (status, code, setting) in [
        (StatusCode::UNAUTHORIZED, "generator_key_refused", "generator.api_key"),
        (StatusCode::NOT_FOUND, "generator_model_not_found", "generator.url"),
    ] {
        let data_dir = tempfile::tempdir().unwrap();
        let upstream = Upstream::refusing(status).await;
        let Some(daedap) = remote_daedap(data_dir.path(), &upstream) else { return };
        let server = furnished(daedap).await;
        let chat = conversation(&server).await;
        let events = story::ask(&server, &chat, QUESTION).await;
        let error = events.last().unwrap().json();
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(setting), "{error}");
        assert_eq!(ended_answer(&server, &chat).await["state"], "interrupted");
    }
}

#[tokio::test]
async fn a_second_server_on_one_database_is_told_who_has_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (Some(first), Some(second), Some(url)) =
        (small_daedap(one.path()), small_daedap(other.path()), fresh_database_url())
    else {
        return;
    };
    let server = Server::start(first.variable("DAEDAP_DATABASE_URL", &url)).await;
    let second = second.variable("DAEDAP_DATABASE_URL", &url);
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["jobs", "list"]] {
        let output = second.run(command).await;
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("in use by") && message.contains(&server.url("")), "{message}");
    }
    assert!(server.stop().await.success());
    let output = second.run(&["jobs", "list"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
