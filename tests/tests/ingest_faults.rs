//! An ingest that is hit again and again ends as one that was left in peace: kill -9, a full disk, a database that goes away.

#![allow(clippy::unwrap_used)] // In a test it is the report.

mod holdings;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tests::archive::archive;
use tests::cable::Cable;
use tests::daedap::Daedap;
use tests::environment::{require_qdrant, require_shared_data};
use tests::eventually::eventually;
use tests::postgres::fresh_database_url;
use tests::server::Server;
use tests::story::{collection, get, search, small_daedap, upload};

use crate::holdings::holdings;

/// A book in a build without optimisation, on a busy machine.
const INGESTED_WITHIN: Duration = Duration::from_secs(240);

const KILLS: u64 = 50;

/// Chapters of the Korean book that lie in a folder, and those after them, which lie in an archive beside it.
const LOOSE: usize = 60;
const ARCHIVED: usize = 12;
const ARCHIVE: &str = "rust-ko.zip";

/// Moments from the start of the process, spread over its first steps and the middle of its work, in no order.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(300 + (kill * 37 % KILLS) * 45)
}

/// Chapters of the Korean book, which needs no embedding, some of them in an archive, and some of the English one, which does.
fn copy_of_the_books(books: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (book, chapters) in [("rust-ko", LOOSE), ("rust-en", 4)] {
        std::fs::create_dir(folder.path().join(book)).unwrap();
        for chapter in chapters_of(&books.join(book)).iter().take(chapters) {
            std::fs::copy(chapter, folder.path().join(book).join(chapter.file_name().unwrap())).unwrap();
        }
    }
    std::fs::write(folder.path().join(ARCHIVE), archive_of_chapters(books, 0)).unwrap();
    folder
}

/// An archive of further chapters of the Korean book.
fn archive_of_chapters(books: &Path, round: u64) -> Vec<u8> {
    let chapters = &chapters_of(&books.join("rust-ko"))[LOOSE..LOOSE + ARCHIVED];
    let members: Vec<(String, String)> = chapters
        .iter()
        .map(|chapter| {
            let name = chapter.file_name().unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(chapter).unwrap();
            (format!("뒤/{name}"), format!("{text}\n\n{round}번째 묶음이다.\n"))
        })
        .collect();
    archive(&members)
}

fn chapters_of(book: &Path) -> Vec<PathBuf> {
    let mut chapters: Vec<PathBuf> =
        std::fs::read_dir(book).unwrap().map(|entry| entry.unwrap().path()).collect();
    chapters.sort();
    chapters
}

/// Rewrites every fifth chapter, now and then the archive, deletes one chapter, and renames another.
fn revise(folder: &Path, books: &Path, round: u64) {
    if round % 4 == 2 {
        std::fs::write(folder.join(ARCHIVE), archive_of_chapters(books, round)).unwrap();
    }
    let chapters = chapters_of(&folder.join("rust-ko"));
    for chapter in chapters.iter().skip(round as usize % 5).step_by(5) {
        let text = std::fs::read_to_string(chapter).unwrap();
        std::fs::write(chapter, format!("{text}\n\n{round}번째 개정에서 이 문단이 더해졌다.\n")).unwrap();
    }
    if round % 10 == 3 {
        std::fs::remove_file(&chapters[0]).unwrap();
    }
    if round % 10 == 7 {
        std::fs::rename(&chapters[1], chapters[1].with_extension("txt")).unwrap();
    }
}

async fn ingest(daedap: &Daedap, folder: &Path) -> Value {
    let output = daedap.run(&["ingest", folder.to_str().unwrap(), "--json"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// That `hit` holds what a data directory holds that took the folder in at once.
async fn assert_as_if_in_peace(hit: &Path, folder: &Path) {
    let clean_dir = tempfile::tempdir().unwrap();
    ingest(&small_daedap(clean_dir.path()).unwrap(), folder).await;
    let (expected, found) = (holdings(clean_dir.path()).await, holdings(hit).await);
    found.assert_nothing_else();
    assert_eq!(found.documents, expected.documents);
    assert!(found == expected, "the chunks differ");
    assert_originals_are_whole(hit).await;
}

/// That every document has its original, that there are no others, and that nothing half-written is left.
async fn assert_originals_are_whole(data_dir: &Path) {
    let output = small_daedap(data_dir).unwrap().run(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["findings"], &report["without_original"]), (&json!([]), &json!(0)), "{report}");
    for entry in std::fs::read_dir(data_dir.join("originals")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(ingest::is_hash(&name), "{name} is left behind");
    }
}

#[tokio::test]
async fn fifty_kills_of_an_ingest_of_the_books_lose_nothing_and_double_nothing() {
    let data_dir = tempfile::tempdir().unwrap();
    let (Some(daedap), Some(books)) = (small_daedap(data_dir.path()), require_shared_data("books")) else {
        return;
    };
    let folder = copy_of_the_books(&books);
    let mut interrupted = 0;
    for kill in 0..KILLS {
        revise(folder.path(), &books, kill);
        let mut child = daedap.command(&["ingest", folder.path().to_str().unwrap()]).spawn().unwrap();
        if tokio::time::timeout(moment(kill), child.wait()).await.is_err() {
            child.kill().await.unwrap();
            interrupted += 1;
        }
    }
    assert!(interrupted > KILLS / 2, "only {interrupted} kills came before the end");
    let report = ingest(&daedap, folder.path()).await;
    assert_eq!(report["failed"], json!([]), "{report}");
    assert_as_if_in_peace(data_dir.path(), folder.path()).await;
}

#[tokio::test]
async fn uploads_to_a_server_that_is_killed_are_all_taken_in_once() {
    let data_dir = tempfile::tempdir().unwrap();
    let (Some(daedap), Some(books)) = (small_daedap(data_dir.path()), require_shared_data("books")) else {
        return;
    };
    let folder = copy_of_the_books(&books);
    let files: Vec<PathBuf> =
        ["rust-ko", "rust-en"].iter().flat_map(|book| chapters_of(&folder.path().join(book))).collect();
    let mut server = Server::start(daedap.variable("DAEDAP_INGEST__WORKERS", "3")).await;
    let id = collection(&server, "default").await;
    for file in &files {
        // As the command names them, so that the holdings can be compared.
        let source = file.canonicalize().unwrap();
        let body = json!({ "source": source, "text": std::fs::read_to_string(file).unwrap() });
        let path = format!("/api/v1/collections/{id}/documents");
        assert_eq!(server.post(&path).json(&body).send().await.unwrap().status(), 202);
    }
    let packed = folder.path().join(ARCHIVE).canonicalize().unwrap();
    upload(&server, &id, packed.to_str().unwrap(), std::fs::read(&packed).unwrap()).await;
    // The archive's own, and its chapters'.
    let jobs = files.len() + 1 + ARCHIVED;
    // What was done at each kill grows: a job whose worker is gone three times is taken for what kills it.
    for kill in 0..7 {
        done_jobs(&server, kill * jobs / 8).await;
        server.kill().await;
        server = server.restart().await;
    }
    done_jobs(&server, jobs).await;
    assert!(server.stop().await.success());
    assert_as_if_in_peace(data_dir.path(), folder.path()).await;
}

/// Waits until that number of jobs is done.
async fn done_jobs(server: &Server, wanted: usize) {
    eventually("jobs to be done", INGESTED_WITHIN, async || {
        let done = get(server, "/api/v1/jobs?state=done&limit=200").await;
        (done["jobs"].as_array()?.len() >= wanted).then_some(())
    })
    .await;
}

/// A file system of `size` on a new folder; `None`, said loudly, where none may be mounted.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            let _ = writeln!(std::io::stderr(), "SKIPPED: a small file system cannot be mounted here");
        }
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_stops_an_ingest_and_spoils_nothing() {
    let (Some(disk), Some(books)) = (SmallDisk::mount("400m"), require_shared_data("books")) else { return };
    let Some(daedap) = small_daedap(&disk.path().join("data")) else { return };
    let folder = copy_of_the_books(&books);
    let first = chapters_of(&folder.path().join("rust-ko"))[0].clone();
    ingest(&daedap, &first).await;
    // What is left is too little for the books.
    let ballast = disk.path().join("ballast");
    for (kept_free, is_enough) in [(64 << 10, false), (1 << 20, false), (66 << 20, false), (u64::MAX, true)] {
        if is_enough {
            std::fs::remove_file(&ballast).unwrap();
        } else {
            fill(&ballast, kept_free);
        }
        let output = daedap.run(&["ingest", folder.path().to_str().unwrap(), "--json"]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let done = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(i32::from(!is_enough)), "{kept_free} bytes free: {said}{done}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert_as_if_in_peace(&disk.path().join("data"), folder.path()).await;
}

/// Fills the disk but for `kept_free` bytes.
fn fill(ballast: &Path, kept_free: u64) {
    let _ = std::fs::remove_file(ballast);
    let mut file = std::fs::File::create(ballast).unwrap();
    let piece = vec![1_u8; 64 << 10];
    while file.write_all(&piece).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(kept_free)).unwrap();
}

/// Uploads chapters, pulls the cable out in the middle and plugs it in again later; all are in, once.
async fn uploads_survive_a_pulled_cable(daedap: Daedap, cable: &Cable, books: &Path) {
    let folder = copy_of_the_books(books);
    let files = chapters_of(&folder.path().join("rust-ko"));
    let server = Server::start(daedap.variable("DAEDAP_INGEST__RETRY_SECONDS", "1")).await;
    let id = collection(&server, "default").await;
    for file in &files {
        let body = json!({ "source": file, "text": std::fs::read_to_string(file).unwrap() });
        let path = format!("/api/v1/collections/{id}/documents");
        assert_eq!(server.post(&path).json(&body).send().await.unwrap().status(), 202);
    }
    done_jobs(&server, 4).await;
    cable.pull_out();
    eventually("the loss to be noticed", INGESTED_WITHIN, async || {
        let status =
            server.post("/api/v1/search").json(&json!({ "query": "소유권" })).send().await.ok()?.status();
        (status == 503).then_some(())
    })
    .await;
    cable.plug_in();
    done_jobs(&server, files.len()).await;
    let found = search(&server, "소유권이란 무엇인가요?").await;
    assert!(!found["passages"].as_array().unwrap().is_empty(), "{found}");
    let listed = get(&server, &format!("/api/v1/collections/{id}/documents")).await;
    assert_eq!(listed["documents"].as_array().unwrap().len(), files.len());
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back_has_every_upload_once() {
    let data_dir = tempfile::tempdir().unwrap();
    let (Some(daedap), Some(books), Some(url)) =
        (small_daedap(data_dir.path()), require_shared_data("books"), fresh_database_url())
    else {
        return;
    };
    let (cable, url) = Cable::to(&url).await;
    uploads_survive_a_pulled_cable(daedap.variable("DAEDAP_DATABASE_URL", &url), &cable, &books).await;
}

#[tokio::test]
async fn a_vector_store_that_goes_away_and_comes_back_has_every_upload_once() {
    let data_dir = tempfile::tempdir().unwrap();
    let (Some(daedap), Some(books), Some(url)) =
        (small_daedap(data_dir.path()), require_shared_data("books"), require_qdrant())
    else {
        return;
    };
    let (cable, url) = Cable::to(&url).await;
    let name = format!("daedap-test-{}", uuid::Uuid::now_v7());
    let daedap = daedap.variable("DAEDAP_VECTORS__URL", &url).variable("DAEDAP_VECTORS__COLLECTION", &name);
    uploads_survive_a_pulled_cable(daedap, &cable, &books).await;
}
