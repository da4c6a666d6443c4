//! Compares the texts that people read with the snapshots beside this file, in both languages: help, wrong usage, the
//! default configuration, and the errors of the API.
//!
//! After a change that is wanted, run `INSTA_UPDATE=always cargo test -p tests --test snapshots` and review the
//! difference of the `.snap` files.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use insta::{assert_snapshot, with_settings};
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HOST, HeaderName, ORIGIN, VIA};
use serde_json::{Value, json};
use tests::daedap::Daedap;
use tests::server::Server;
use tests::story::{add_document, collection, conversation, small_daedap};

/// A language by its code and by its locale.
const LANGUAGES: [(&str, &str); 2] = [("en", "en_US.UTF-8"), ("ko", "ko_KR.UTF-8")];

/// An id that nothing has.
const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// Command lines that are wrong, each in another way.
const WRONG_USAGE: &[&[&str]] = &[
    &["frobnicate"],
    &["serach", "parking"],
    &["documents", "frobnicate"],
    &["documents"],
    &["help", "frobnicate"],
    &["search", "parking", "--limt", "3"],
    &["search", "parking", "--frobnicate"],
    &["search", "parking", "garage"],
    &["search"],
    &["ingest"],
    &["documents", "restore"],
    &["search", "parking", "--limit"],
    &["doctor", "--fix=yes"],
    &["search", "parking", "--limit", "0"],
    &["search", "parking", "--limit", "few"],
    &["search", "parking", "--from", "yesterday"],
    &["search", "parking", "--language", "korean"],
    &["search", "parking", "--tag", ""],
    &["jobs", "list", "--state", "runing"],
    &["jobs", "list", "--state", "asleep"],
    &["jobs", "cancel", "first"],
    &["documents", "restore", NO_ID, "latest"],
    &["eval", "threshold", "2"],
    &["eval", "run", "--tolerance", "much"],
    &["eval", "run", "--require", "recall@1"],
    &["eval", "run", "--require", "recall@3=0.5"],
    &["eval", "answers", "--limit", "0"],
    &["eval", "answers", "--unanswerable", "questions.json"],
    &["ingest", "notes", "--watch", "--force"],
    &["ingest", "notes", "--max-pages", "10"],
    &["backup", "one.daedap", "--force", "--force"],
];

/// `daedap` in this language, with help of a fixed width.
fn daedap_in(locale: &str, data_dir: &Path) -> Daedap {
    let variables = [("LC_ALL", ""), ("LC_MESSAGES", ""), ("LANG", locale), ("COLUMNS", "100")];
    variables.into_iter().fold(Daedap::on(data_dir), |daedap, (name, value)| daedap.variable(name, value))
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn assert_text(name: &str, text: &str) {
    with_settings!({ omit_expression => true }, { assert_snapshot!(name, text) });
}

/// The command line and what it printed, as in a terminal, with its exit code.
fn transcript(arguments: &[&str], output: &Output) -> String {
    let code = output.status.code().expect("no signal ended it");
    let quoted = arguments.iter().map(|argument| if argument.is_empty() { "''" } else { argument });
    let command = std::iter::once("daedap").chain(quoted).collect::<Vec<_>>().join(" ");
    format!("$ {command}\n{}{}[exit code {code}]\n", text_of(&output.stdout), text_of(&output.stderr))
}

/// The commands that a help text lists, without `help` itself.
fn listed_commands(help: &str) -> Vec<String> {
    let names = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands = names.filter(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()));
    commands.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The transcripts of `--help` for a command and for all commands below it.
async fn help_of(daedap: &Daedap, command: &[String]) -> String {
    let names: Vec<&str> = command.iter().map(String::as_str).collect();
    let asked: Vec<&str> = names.iter().copied().chain(["--help"]).collect();
    let output = daedap.run(&asked).await;
    let same: Vec<&str> = std::iter::once("help").chain(names.iter().copied()).collect();
    assert_eq!(text_of(&daedap.run(&same).await.stdout), text_of(&output.stdout), "{same:?}");
    let mut texts = vec![transcript(&asked, &output)];
    for name in listed_commands(text_of(&output.stdout)) {
        let below: Vec<String> = command.iter().cloned().chain([name]).collect();
        texts.push(Box::pin(help_of(daedap, &below)).await);
    }
    texts.join("\n")
}

#[tokio::test]
async fn help_texts() {
    let mut names = BTreeSet::new();
    for (language, locale) in LANGUAGES {
        let data_dir = tempfile::tempdir().unwrap();
        let daedap = daedap_in(locale, data_dir.path());
        let output = daedap.run(&["--help"]).await;
        let without_arguments = daedap.run(&[]).await;
        let root = format!("{}\n{}", transcript(&["--help"], &output), transcript(&[], &without_arguments));
        assert_text(&format!("help-{language}"), &root);
        names.insert(format!("help-{language}"));
        for command in listed_commands(text_of(&output.stdout)) {
            let name = format!("help-{language}-{command}");
            assert_text(&name, &help_of(&daedap, &[command]).await);
            names.insert(name);
        }
    }
    assert_eq!(snapshots_of("help-"), names, "each command has its snapshots, and each snapshot its command");
}

/// The names of the snapshots that begin with `prefix`.
fn snapshots_of(prefix: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let files =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = files.filter_map(|file| {
        let name = file.strip_prefix("snapshots__")?.strip_suffix(".snap")?;
        name.starts_with(prefix).then(|| name.to_owned())
    });
    names.collect()
}

#[tokio::test]
async fn usage_errors() {
    for (language, locale) in LANGUAGES {
        let data_dir = tempfile::tempdir().unwrap();
        let daedap = daedap_in(locale, data_dir.path());
        let mut texts = Vec::new();
        for arguments in WRONG_USAGE {
            let output = daedap.run(arguments).await;
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            texts.push(transcript(arguments, &output));
        }
        assert_text(&format!("usage-{language}"), &texts.join("\n"));
    }
}

#[tokio::test]
async fn the_default_configuration() {
    let data_dir = tempfile::tempdir().unwrap();
    let output = Daedap::on(data_dir.path()).run(&["config", "--default"]).await;
    assert_text("config-default", text_of(&output.stdout));
}

/// A request that is refused.
struct Refused {
    method: &'static str,
    path: String,
    headers: Vec<(HeaderName, &'static str)>,
    body: Vec<u8>,
}

impl Refused {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    fn json(method: &'static str, path: impl Into<String>, body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        Self { body, ..Self::new(method, path) }.header(CONTENT_TYPE, "application/json")
    }

    fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The request, and the response with its request id blanked out.
    async fn transcript(&self, server: &Server, language: &str) -> String {
        let Self { method, path, headers, body } = self;
        let mut request = server.request(method.parse().unwrap(), path).header(ACCEPT_LANGUAGE, language);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response = request.body(body.clone()).send().await.unwrap();
        let status = response.status();
        let mut envelope: Value = response.json().await.unwrap();
        let id = envelope["error"]["request_id"].take();
        assert!(id.is_string(), "{envelope}");
        envelope["error"]["request_id"] = json!("[request id]");
        let shown = if body.len() < 200 { text_of(body) } else { "[a long body]" };
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let envelope = serde_json::to_string_pretty(&envelope["error"]).unwrap();
        format!("{method} {path}\n{headers}{shown}\n--> {status}\n{envelope}\n")
    }
}

/// What the requests are about.
struct Known {
    collection: String,
    document: String,
    conversation: String,
    finished_job: String,
}

impl Known {
    async fn on(server: &Server) -> Self {
        let collection = collection(server, "rules").await;
        add_document(server, &collection, "leave.md", b"# Leave\n\nEvery employee gets 17 days.".to_vec())
            .await;
        let job =
            add_document(server, &collection, "parking.md", b"# Parking\n\nThe garage opens at 7.".to_vec())
                .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            collection,
            document: text(&job["document"]),
            conversation: conversation(server).await,
            finished_job: text(&job["id"]),
        }
    }

    /// The ids are others in each run.
    fn blanked_out(&self, text: &str) -> String {
        let Self { collection, document, conversation, finished_job } = self;
        let text = text.replace(collection, "[collection]").replace(document, "[document]");
        text.replace(conversation, "[conversation]").replace(finished_job, "[job]")
    }

    /// At least one request for each family of codes that a server without faults gives.
    fn refused(&self) -> Vec<Refused> {
        [no_such_thing(), malformed(), self.invalid_values(), self.states(), foreign()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn invalid_values(&self) -> Vec<Refused> {
        let Self { collection, document, conversation, .. } = self;
        let documents = format!("/api/v1/collections/{collection}/documents");
        let turns = format!("/api/v1/conversations/{conversation}/turns");
        let long = json!({ "question": "가".repeat(50_000) }).to_string();
        vec![
            Refused::json("POST", "/api/v1/search", r#"{"query": " "}"#),
            Refused::json("POST", "/api/v1/search", r#"{"query": "parking", "limit": 51}"#),
            Refused::json("POST", "/api/v1/search", r#"{"query": "parking", "colour": "red"}"#),
            Refused::json("POST", "/api/v1/search", r#"{"query": "parking", "filter": {"tags": [""]}}"#),
            Refused::json(
                "POST",
                "/api/v1/search",
                r#"{"query": "parking", "filter": {"languages": ["korean"]}}"#,
            ),
            Refused::json(
                "POST",
                "/api/v1/search",
                r#"{"query": "parking", "filter": {"from": "yesterday"}}"#,
            ),
            Refused::json(
                "POST",
                "/api/v1/search",
                r#"{"query": "parking", "filter": {"from": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}}"#,
            ),
            Refused::json("POST", "/api/v1/collections", r#"{"name": ""}"#),
            Refused::json("POST", &turns, r#"{"question": ""}"#),
            Refused::json("POST", &turns, &long),
            Refused::json("POST", &documents, r#"{"source": "a.md"}"#),
            Refused::json("POST", &documents, r#"{"source": "a\nb", "text": "x"}"#),
            Refused::json("POST", &documents, r#"{"url": "ftp://example.org/a.md"}"#),
            Refused::json("POST", &documents, r#"{"url": "http://127.0.0.1:9/"}"#),
            Refused::json("POST", "/api/v1/reindex", r#"{"embedder": ""}"#),
            Refused::json("PATCH", format!("/api/v1/documents/{document}"), "{}"),
        ]
    }

    /// Requests that are right, in a state that does not allow them.
    fn states(&self) -> Vec<Refused> {
        let Self { collection, document, finished_job, .. } = self;
        vec![
            Refused::new("DELETE", format!("/api/v1/jobs/{finished_job}")),
            Refused::new("POST", format!("/api/v1/jobs/{finished_job}/retry")),
            Refused::new("POST", format!("/api/v1/documents/{document}/versions/9/restore")),
            Refused::new("POST", format!("/api/v1/collections/{collection}/evaluation/runs")),
        ]
    }
}

fn no_such_thing() -> Vec<Refused> {
    vec![
        Refused::new("GET", "/api/v1/nothing"),
        Refused::new("GET", "/assets/nothing.js"),
        Refused::new("GET", format!("/api/v1/documents/{NO_ID}")),
        Refused::new("GET", format!("/api/v1/jobs/{NO_ID}")),
        Refused::new("GET", format!("/api/v1/conversations/{NO_ID}")),
        Refused::new("GET", format!("/api/v1/collections/{NO_ID}/documents")),
        Refused::new("PUT", "/api/v1/search"),
    ]
}

fn malformed() -> Vec<Refused> {
    let too_large = format!("\"{}\"", "x".repeat(1 << 20));
    vec![
        Refused::new("GET", "/api/v1/documents/first"),
        Refused::new("GET", "/api/v1/jobs?limit=many"),
        Refused::json("POST", "/api/v1/search", r#"{"query":"#),
        Refused::json("POST", "/api/v1/search", &too_large),
        Refused::new("POST", "/api/v1/search").header(CONTENT_TYPE, "text/plain"),
    ]
}

fn foreign() -> Vec<Refused> {
    vec![
        Refused::new("POST", "/api/v1/conversations").header(HOST, "evil.example"),
        Refused::new("POST", "/api/v1/conversations").header(ORIGIN, "https://evil.example"),
        Refused::new("POST", "/api/v1/conversations").header(VIA, "1.1 proxy"),
        Refused::json("POST", "/api/v1/login", r#"{"code": "0"}"#),
    ]
}

#[tokio::test]
async fn errors_of_the_api() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let known = Known::on(&server).await;
    for (language, _) in LANGUAGES {
        let mut texts = Vec::new();
        for refused in known.refused() {
            texts.push(known.blanked_out(&refused.transcript(&server, language).await));
        }
        assert_text(&format!("api-errors-{language}"), &texts.join("\n"));
    }
}

/// Documents that cannot be ingested: the error is one of the job.
#[tokio::test]
async fn errors_of_jobs() {
    let data_dir = tempfile::tempdir().unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    let id = collection(&server, "rules").await;
    let mut jobs = Vec::new();
    for (source, bytes) in [
        ("empty.md", &b""[..]),
        ("picture.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0"),
        (
            "broken.txt",
            b"plain text \xff\xfe\xfa\xc3\x28 \x80\x81 with bytes of no encoding \xf0\x28\x8c\xbc",
        ),
        ("broken.pdf", b"%PDF-1.7\nthe rest is lost"),
    ] {
        let job = add_document(&server, &id, source, bytes.to_vec()).await;
        jobs.push((source, job["id"].as_str().unwrap().to_owned()));
    }
    for (language, _) in LANGUAGES {
        let mut texts = Vec::new();
        for (source, id) in &jobs {
            let request = server.get(&format!("/api/v1/jobs/{id}")).header(ACCEPT_LANGUAGE, language);
            let reply: Value = request.send().await.unwrap().json().await.unwrap();
            let error = serde_json::to_string_pretty(&reply["job"]["error"]).unwrap();
            texts.push(format!("{source}\n{error}\n"));
        }
        assert_text(&format!("job-errors-{language}"), &texts.join("\n"));
    }
}
