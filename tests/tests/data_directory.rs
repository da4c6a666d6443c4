//! Nobody but its user reads a data directory, and no command prints a secret.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tests::daedap::Daedap;
use tests::server::Server;
use tests::story::{add_document, ask, collection, conversation, small_daedap};

/// All files and folders of a tree, itself included, with their modes. A server may remove some meanwhile.
fn modes(path: &Path) -> Vec<(PathBuf, u32)> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Vec::new() };
    let mut found = vec![(path.to_owned(), metadata.permissions().mode() & 0o777)];
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        found.extend(modes(&entry.unwrap().path()));
    }
    found
}

fn assert_private(dir: &Path, when: &str) {
    let open: Vec<_> = modes(dir).into_iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "{when}: {open:?}");
}

#[tokio::test]
async fn nothing_in_a_used_data_directory_is_open_to_others() {
    let house = tempfile::tempdir().unwrap();
    let data_dir = house.path().join("data");
    let Some(daedap) = small_daedap(&data_dir) else { return };
    let notes = house.path().join("notes");
    std::fs::create_dir(&notes).unwrap();
    std::fs::write(notes.join("leave.md"), "# Leave\n\nEvery employee gets 17 days.").unwrap();
    let ingested = daedap.run(&["ingest", notes.to_str().unwrap()]).await;
    assert!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
    assert_private(&data_dir, "after a command");

    let server = Server::start(daedap.clone()).await;
    let id = collection(&server, "rules").await;
    add_document(&server, &id, "parking.md", b"# Parking\n\nThe garage opens at 7.".to_vec()).await;
    ask(&server, &conversation(&server).await, "When does the garage open?").await;
    assert!(modes(&data_dir).len() > 10);
    assert_private(&data_dir, "while a server runs");
    assert!(server.stop().await.success());

    let token = daedap.owner_token();

    // As an earlier version has left it.
    for (path, mode) in modes(&data_dir) {
        let open = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, Permissions::from_mode(mode | open)).unwrap();
    }
    let server = Server::start(daedap.clone()).await;
    assert_private(&data_dir, "after a start on an open directory");
    assert_ne!(daedap.owner_token(), token, "others have read it");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_variable_or_an_argument_of_any_bytes_is_no_reason_to_fall_over() {
    let data_dir = tempfile::tempdir().unwrap();
    let bytes = OsStr::from_bytes(b"\xff\xb0\xa1");
    let daedap = Daedap::on(data_dir.path());
    let output = daedap.command(&["config"]).env("X", bytes).env(bytes, "x").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = daedap.command(&["config"]).env("DAEDAP_MODEL", bytes).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("DAEDAP_MODEL"));
    let output = daedap.command(&["search"]).arg(bytes).arg("--frobnicate").output().await.unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_printed_settings_hold_no_secret() {
    let data_dir = tempfile::tempdir().unwrap();
    let daedap = Daedap::on(data_dir.path())
        .variable("DAEDAP_DATABASE_URL", "postgres://db/daedap?user=ann&password=hunter2")
        .variable("DAEDAP_GENERATOR__URL", "http://ann:hunter2@llm/v1")
        .variable("DAEDAP_GENERATOR__API_KEY", "hunter2");
    let output = daedap.run(&["config"]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("postgres://db/daedap?user=ann&password=(set)"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
}
