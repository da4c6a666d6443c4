//! What stands before every request: bounds of connections and bodies, the owner, proxies, headers of every response.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::eventually::eventually;
use tests::server::Server;
use tests::story::{collection, conversation, finished_job, get, question_to, small_daedap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A half-sent head is cut off after 10 seconds; the rest is for a busy machine.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(25);

/// A body may stand still for 30 seconds; the rest is for a busy machine.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(50);

/// Far below the time after which a connection is cut off.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

async fn server(data_dir: &tempfile::TempDir, settings: &[(&str, &str)]) -> Option<Server> {
    let mut daedap = small_daedap(data_dir.path())?;
    for (name, value) in settings {
        daedap = daedap.variable(name, value);
    }
    Some(Server::start(daedap).await)
}

/// Connections to the server, each with the beginning of a request sent.
async fn connections(server: &Server, count: usize, sent: &str) -> Vec<TcpStream> {
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    streams
}

/// Over a connection of its own: one that a client has kept may be the one that makes room.
async fn is_alive(server: &Server) -> bool {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = tokio::time::timeout(SERVED_WITHIN, client.get(server.url("/healthz")).send()).await;
    reply.is_ok_and(|reply| reply.is_ok_and(|reply| reply.status() == 200))
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    let half = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a";
    for mut stream in connections(&server, 20, half).await {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(CUT_OFF_WITHIN, stream.read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "the connection is still open");
    }
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    let collection = collection(&server, "c").await;
    let token = server.token();
    let head = |path: &str, media_type: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {media_type}\r\nContent-Length: 5000000\r\n\r\n"
        )
    };
    let json = head("/api/v1/search", "application/json") + "{";
    let form =
        head(&format!("/api/v1/collections/{collection}/documents"), "multipart/form-data; boundary=B")
            + "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\nbegun";
    let mut streams = connections(&server, 1, &json).await;
    streams.extend(connections(&server, 1, &form).await);
    for mut stream in streams {
        let mut answer = vec![0; 12];
        let read = tokio::time::timeout(GIVEN_UP_WITHIN, stream.read_exact(&mut answer)).await;
        read.expect("an answer").unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 408");
    }
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let data_dir = tempfile::tempdir().unwrap();
    let settings = [("DAEDAP_SERVER__CONNECTIONS", "40"), ("DAEDAP_SERVER__CONNECTIONS_PER_ADDRESS", "30")];
    let Some(server) = server(&data_dir, &settings).await else { return };
    for begun in ["", "GET / HTTP/1.1\r\nX-a"] {
        let started = Instant::now();
        let idle = connections(&server, 100, begun).await;
        assert!(is_alive(&server).await);
        // None of them was cut off for its age: that comes later.
        assert!(started.elapsed() < Duration::from_secs(9));
        drop(idle);
    }
}

#[tokio::test]
async fn where_all_connections_are_busy_one_more_is_told_so() {
    let data_dir = tempfile::tempdir().unwrap();
    let settings = [("DAEDAP_SERVER__CONNECTIONS", "16"), ("DAEDAP_SERVER__CONNECTIONS_PER_ADDRESS", "16")];
    let Some(server) = server(&data_dir, &settings).await else { return };
    let token = server.token();
    let begun = format!(
        "POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    );
    let mut busy = connections(&server, 16, &begun).await;
    let refused = eventually("all to be busy", CUT_OFF_WITHIN, async || {
        let reply = server.get("/healthz").header("connection", "close").send().await.ok()?;
        if reply.status() == 503 {
            return Some(reply);
        }
        // A connection whose head was not read yet has made room.
        busy.extend(connections(&server, 1, &begun).await);
        None
    })
    .await;
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(refused.headers().contains_key("content-security-policy"));
    let envelope: Value = refused.json().await.unwrap();
    assert_eq!(envelope["error"]["code"], "too_many_connections");
    drop(busy);
    let served = async || is_alive(&server).await.then_some(());
    eventually("connections to be free again", SERVED_WITHIN, served).await;
}

#[tokio::test]
async fn a_body_has_bounds_and_its_sender_is_told() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[("DAEDAP_INGEST__DOCUMENT_BYTES", "1000000")]).await else {
        return;
    };
    let path = format!("/api/v1/collections/{}/documents", collection(&server, "c").await);
    // Nobody waits for 70 MB, and yet whoever sends them sees the answer.
    let text = json!({ "source": "a.md", "text": "x".repeat(70_000_000) });
    let reply = server.post(&path).json(&text).send().await.unwrap();
    assert_eq!(reply.status(), 413);
    let file = || Part::bytes(vec![b'x'; 2_000_000]).file_name("a.md");
    let long = Form::new().text("tags", "x".repeat(9_000)).part("file", file());
    for form in [Form::new().part("file", file()), long] {
        let reply = server.post(&path).multipart(form).send().await.unwrap();
        assert_eq!(reply.status(), 413);
        let envelope: Value = reply.json().await.unwrap();
        assert_eq!(envelope["error"]["code"], "too_large", "{envelope}");
    }
}

#[tokio::test]
async fn fields_behind_the_file_count() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    let path = format!("/api/v1/collections/{}/documents", collection(&server, "c").await);
    let file = || Part::bytes("# 급여\n\n급여는 25일에 나온다.".as_bytes().to_vec()).file_name("upload.md");
    let form = Form::new().part("file", file()).text("source", "규정/급여.md").text("tags", "급여");
    let reply: Value = server.post(&path).multipart(form).send().await.unwrap().json().await.unwrap();
    let job = finished_job(&server, reply["job"]["id"].as_str().unwrap()).await;
    assert_eq!((&job["state"], &job["source"]), (&json!("done"), &json!("규정/급여.md")), "{job}");
    let document = get(&server, &format!("/api/v1/documents/{}", job["document"].as_str().unwrap())).await;
    assert_eq!(document["tags"], json!(["급여"]), "{document}");
    let two = Form::new().part("file", file()).part("file", file());
    assert_eq!(server.post(&path).multipart(two).send().await.unwrap().status(), 422);
    let bad = Form::new().part("file", file()).text("source", "a\nb");
    assert_eq!(server.post(&path).multipart(bad).send().await.unwrap().status(), 422);
}

#[tokio::test]
async fn loopback_is_no_identity() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    let nobody = |method, path: &str| server.request_of_nobody(method, path);
    for (path, status) in [
        ("/", 200),
        ("/assets/js/main.js", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/api/v1/messages?locale=ko", 200),
        ("/api/v1/conversations", 401),
        ("/api/v1/status", 401),
        ("/api/v1/nothing", 401),
        ("/nothing", 401),
    ] {
        assert_eq!(nobody(Method::GET, path).send().await.unwrap().status(), status, "{path}");
    }
    assert_eq!(nobody(Method::POST, "/api/v1/backup").send().await.unwrap().status(), 401);
    let wrong = nobody(Method::GET, "/api/v1/conversations").bearer_auth("0".repeat(64));
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    assert_eq!(server.get("/api/v1/conversations").send().await.unwrap().status(), 200);
    for (name, value) in
        [("via", "1.1 proxy"), ("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9")]
    {
        let reply = server.get("/api/v1/conversations").header(name, value).send().await.unwrap();
        assert_eq!(reply.status(), 403, "{name}");
        let envelope: Value = reply.json().await.unwrap();
        assert_eq!(envelope["error"]["code"], "proxy_refused");
    }
}

#[tokio::test]
async fn a_link_signs_one_browser_in() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    let printed = eventually("the link", SERVED_WITHIN, async || {
        server.log().lines().find_map(|line| Some(line.split_once("/#/login/")?.1.to_owned()))
    })
    .await;
    let asked = Daedap::on(data_dir.path()).run(&["login", "--json"]).await;
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(asked["expires_in_seconds"], 600);
    let url = asked["url"].as_str().unwrap();
    assert!(url.starts_with(&server.url("/#/login/")), "{url}");
    for code in [printed.as_str(), url.rsplit('/').next().unwrap()] {
        let log_in = async || {
            let request = server.request_of_nobody(Method::POST, "/api/v1/login");
            request.json(&json!({ "code": code })).send().await.unwrap()
        };
        let reply = log_in().await;
        assert_eq!(reply.status(), 204);
        let cookie = reply.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains(server.token()));
        let session = cookie.split(';').next().unwrap();
        let list = async |cookie: String| {
            let request = server.request_of_nobody(Method::GET, "/api/v1/conversations");
            request.header("cookie", cookie).send().await.unwrap().status()
        };
        assert_eq!(list(format!("other=1; {session}")).await, 200);
        assert_eq!(list(format!("{session}0")).await, 401);
        let again = log_in().await;
        assert_eq!(again.status(), 401);
        assert!(!again.headers().contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn a_link_needs_a_server() {
    let data_dir = tempfile::tempdir().unwrap();
    let output = Daedap::on(data_dir.path()).run(&["login"]).await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn every_response_has_the_headers() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    let chat = conversation(&server).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/api/v1/conversations"),
        ("GET", "/api/v1/nope"),
        ("PUT", "/api/v1/search"),
        ("POST", "/api/v1/search"),
    ] {
        let reply = server.request(method.parse().unwrap(), path).send().await.unwrap();
        check_headers(reply.headers(), path);
        let is_page = path == "/";
        let caching = reply.headers()["cache-control"].to_str().unwrap();
        assert_eq!(caching, if is_page { "no-cache" } else { "no-store" }, "{path}");
        if method == "PUT" {
            assert_eq!(reply.headers()["allow"], "POST");
        }
    }
    let refused = server.request_of_nobody(Method::GET, "/api/v1/status").send().await.unwrap();
    check_headers(refused.headers(), "401");
    let foreign = server.get("/").header("host", "evil.example").send().await.unwrap();
    check_headers(foreign.headers(), "403");
    let answer = question_to(&server, &chat, "What is the boiling point of nitrogen?").await;
    check_headers(answer.headers(), "an answer");
    assert_eq!(answer.headers()["cache-control"], "no-cache, no-transform");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
}

fn check_headers(headers: &HeaderMap, of: &str) {
    for (name, part) in [
        ("content-security-policy", "require-trusted-types-for 'script'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-"),
    ] {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{of}: {name}");
        assert!(values[0].to_str().unwrap().contains(part), "{of}: {name}: {values:?}");
    }
}

#[tokio::test]
async fn a_public_name_of_the_settings_is_answered() {
    let data_dir = tempfile::tempdir().unwrap();
    let settings = "[server]\npublic_names = [\"chat.example.com\"]\n";
    std::fs::write(data_dir.path().join("daedap.toml"), settings).unwrap();
    let Some(server) = server(&data_dir, &[]).await else { return };
    for (host, status) in [("chat.example.com", 200), ("other.example.com", 403)] {
        let reply = server.get("/").header("host", host).send().await.unwrap();
        assert_eq!(reply.status(), status, "{host}");
    }
}
