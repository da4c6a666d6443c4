//! Downloads every known-good model from the public sources. Runs where `DAEDAP_TEST_NETWORK` is set.

use std::time::Instant;

use models::{Catalog, NoProgress, SourceOptions, Store};

#[tokio::test]
async fn the_known_good_models_can_be_downloaded() {
    if std::env::var_os("DAEDAP_TEST_NETWORK").is_none() {
        // Not `eprintln!`: the harness swallows what a passing test prints.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"SKIPPED the_known_good_models_can_be_downloaded: DAEDAP_TEST_NETWORK is not set\n",
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::builtin();
    let store = Store::new(dir.path(), &SourceOptions::from_env()).unwrap();
    let begun = Instant::now();
    let reachable = store.probe(catalog).await;
    eprintln!("{reachable:?} after {:.2?}", begun.elapsed());
    for id in [
        "onnxruntime-1.32-linux-x64",
        "onnxruntime-1.32-linux-arm64",
        "onnxruntime-1.32-macos-arm64",
        "all-minilm-l6-v2",
        "smollm2-135m-instruct",
        "qwen2.5-coder-1.5b-instruct",
    ] {
        let entry = catalog.entry(id).unwrap();
        let begun = Instant::now();
        store.ensure(entry, &NoProgress).await.unwrap();
        let downloaded = begun.elapsed();
        let begun = Instant::now();
        assert!(store.installed(entry).is_some());
        let checked = begun.elapsed();
        let begun = Instant::now();
        store.verify(entry).await.unwrap();
        eprintln!(
            "{id}: downloaded in {downloaded:.1?}, checked in {checked:.1?}, verified in {:.1?}",
            begun.elapsed()
        );
    }
}
