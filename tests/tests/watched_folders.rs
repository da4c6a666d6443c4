//! Folders that are kept in step with: by a command that stays, and by a server that has them in its settings.

#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tests::daedap::Daedap;
use tests::eventually::eventually;
use tests::server::Server;
use tests::story::{get, search, small_daedap};

/// A change is told, waited for until nobody writes, read and embedded.
const IN_STEP_WITHIN: Duration = Duration::from_secs(60);

/// Titles of the documents that the default collection holds.
async fn titles(server: &Server) -> Option<Vec<String>> {
    let listed = get(server, "/api/v1/collections").await;
    let collections = listed["collections"].as_array()?.clone();
    let collection = collections.iter().find(|collection| collection["name"] == "default")?["id"].clone();
    let listed = get(server, &format!("/api/v1/collections/{}/documents", collection.as_str()?)).await;
    let documents = listed["documents"].as_array()?.iter();
    let mut titles: Vec<String> =
        documents.map(|document| document["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    Some(titles)
}

async fn in_step(server: &Server, expected: &[&str]) {
    eventually("the collection to be in step", IN_STEP_WITHIN, async || {
        titles(server).await.filter(|titles| titles == expected)
    })
    .await;
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// Adds, changes, moves and deletes, and sees each arrive.
async fn change_and_see(server: &Server, folder: &Path) {
    in_step(server, &["Gate"]).await;
    write(folder, "휴가.md", "# 휴가\n\n연차는 15일입니다.");
    in_step(server, &["Gate", "휴가"]).await;
    write(folder, "휴가.md", "# 휴가 규정\n\n연차는 16일입니다.");
    in_step(server, &["Gate", "휴가 규정"]).await;
    std::fs::create_dir(folder.join("2026")).unwrap();
    std::fs::rename(folder.join("휴가.md"), folder.join("2026/휴가.md")).unwrap();
    eventually("the move to be seen", IN_STEP_WITHIN, async || {
        let found = search(server, "연차는 며칠인가요?").await;
        found["passages"][0]["source"].as_str()?.ends_with("/2026/휴가.md").then_some(())
    })
    .await;
    std::fs::remove_file(folder.join("gate.md")).unwrap();
    in_step(server, &["휴가 규정"]).await;
}

#[tokio::test]
async fn a_server_keeps_in_step_with_the_folders_of_its_settings() {
    let (data_dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), "gate.md", "# Gate\n\nThe north gate closes at 22:00.");
    let settings = data_dir.path().join("daedap.toml");
    let source = format!("[[sources]]\npath = {:?}\ntags = [\"rules\"]\n", folder.path());
    std::fs::write(&settings, source).unwrap();
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap).await;
    change_and_see(&server, folder.path()).await;
    let found = search(&server, "연차").await;
    assert_eq!(found["passages"][0]["tags"][0], "rules", "{found}");
    // What changes while nobody watches is seen at the next start.
    write(folder.path(), "lamp.md", "# Lamp\n\nThe green lamp is on.");
    let server = server.restart().await;
    in_step(&server, &["Lamp", "휴가 규정"]).await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_command_that_watches_brings_changes_to_the_server() {
    let (data_dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), "gate.md", "# Gate\n\nThe north gate closes at 22:00.");
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let server = Server::start(daedap.clone()).await;
    let _watching = watch(&daedap, folder.path());
    change_and_see(&server, folder.path()).await;
}

#[tokio::test]
async fn a_command_that_watches_alone_reports_every_round_and_ends_when_told() {
    let (data_dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), "gate.md", "# Gate\n\nThe north gate closes at 22:00.");
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let mut watching = watch(&daedap, folder.path());
    let id = watching.id().unwrap().to_string();
    let mut reports = Reports::of(watching.stdout.take().unwrap());
    assert_eq!(reports.next().await["added"], 1);
    write(folder.path(), "휴가.md", "# 휴가\n\n연차는 15일입니다.");
    let report = reports.next().await;
    assert_eq!((&report["added"], &report["unchanged"]), (&1.into(), &1.into()), "{report}");
    let told = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(told.success());
    let ended = tokio::time::timeout(IN_STEP_WITHIN, watching.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

/// Counts of a report: added, unchanged, removed, and the codes of what failed.
async fn ingest(daedap: &Daedap, folder: &Path, options: &[&str]) -> (Vec<u64>, Vec<String>, bool) {
    let arguments = [&["ingest", folder.to_str().unwrap(), "--json"], options].concat();
    let output = daedap.run(&arguments).await;
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let count = |name: &str| report[name].as_u64().unwrap();
    let code = |failed: &Value| failed["code"].as_str().unwrap().to_owned();
    let failed = report["failed"].as_array().unwrap().iter().map(code).collect();
    (["added", "unchanged", "removed"].map(count).to_vec(), failed, output.status.success())
}

#[tokio::test]
async fn a_command_removes_nothing_that_it_cannot_read_and_no_more_than_a_few_unasked() {
    let (data_dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(daedap) = small_daedap(data_dir.path()) else { return };
    let names = ["leave.md", "pay.md", "travel.md", "gate.md"];
    let members = names.map(|name| (name, format!("# {name}\n\nThese are the rules of {name}.")));
    let whole = tests::archive::archive(&members);
    std::fs::write(folder.path().join("rules.zip"), &whole).unwrap();
    write(folder.path(), "notes.md", "# Notes\n\nThe rules are in the archive.");
    assert_eq!(ingest(&daedap, folder.path(), &[]).await, (vec![5, 0, 0], vec![], true));

    std::fs::write(folder.path().join("rules.zip"), &whole[..whole.len() / 2]).unwrap();
    let cut_off = ingest(&daedap, folder.path(), &["--allow-removals"]).await;
    assert_eq!(cut_off, (vec![0, 1, 0], vec!["parser_failed".to_owned()], false));

    std::fs::remove_file(folder.path().join("rules.zip")).unwrap();
    write(folder.path(), "new.md", "# New\n\nThis is new.");
    let unasked = ingest(&daedap, folder.path(), &[]).await;
    assert_eq!(unasked, (vec![1, 1, 0], vec!["too_many_removals".to_owned()], false));
    assert_eq!(ingest(&daedap, folder.path(), &["--allow-removals"]).await, (vec![0, 2, 4], vec![], true));
}

fn watch(daedap: &Daedap, folder: &Path) -> tokio::process::Child {
    let mut command = daedap.command(&["ingest", "--watch", folder.to_str().unwrap(), "--json"]);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// JSON objects that come one after the other.
struct Reports {
    output: tokio::process::ChildStdout,
    read: Vec<u8>,
}

impl Reports {
    fn of(output: tokio::process::ChildStdout) -> Self {
        Self { output, read: Vec::new() }
    }

    async fn next(&mut self) -> Value {
        use tokio::io::AsyncReadExt;
        let mut piece = [0_u8; 4096];
        tokio::time::timeout(IN_STEP_WITHIN, async {
            loop {
                let mut values = serde_json::Deserializer::from_slice(&self.read).into_iter::<Value>();
                if let Some(Ok(value)) = values.next() {
                    self.read.drain(..values.byte_offset());
                    return value;
                }
                let length = self.output.read(&mut piece).await.unwrap();
                assert!(length > 0, "it ended");
                self.read.extend_from_slice(&piece[..length]);
            }
        })
        .await
        .expect("a report comes")
    }
}
