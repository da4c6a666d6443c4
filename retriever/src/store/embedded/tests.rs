//! What the contract suite cannot reach: files on disk that are not as they should be.

use super::*;

fn space(model: &str) -> EmbeddingSpace {
    EmbeddingSpace {
        model: model.to_owned(),
        dimensions: 4,
        query_prefix: String::new(),
        passage_prefix: String::new(),
    }
}

fn open_error(dir: &Path) -> String {
    EmbeddedStore::open(dir, &space("one")).err().expect("the store must not open").to_string()
}

#[test]
fn damaged_files_are_errors_that_name_the_way_out() {
    for (file, content) in [
        ("space.json", &b"{"[..]),
        (
            "space.json",
            br#"{"format":99,"space":{"model":"one","dimensions":4,"query_prefix":"","passage_prefix":""}}"#,
        ),
        ("shard/edge_config.json", b"nonsense"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        drop(EmbeddedStore::open(dir.path(), &space("one")).unwrap());
        std::fs::write(dir.path().join(file), content).unwrap();
        let segments = dir.path().join("shard/segments");
        if file.starts_with("shard") {
            for segment in std::fs::read_dir(&segments).unwrap() {
                std::fs::write(segment.unwrap().path().join("segment.json"), content).unwrap();
            }
        }
        let error = open_error(dir.path());
        assert!(error.contains("daedap reindex"), "{file}: {error}");
        assert!(EmbeddedStore::recreate(dir.path(), &space("one")).is_ok(), "{file}");
    }
}

#[test]
fn a_shard_without_its_label_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(dir.path(), &space("one")).unwrap());
    std::fs::remove_file(dir.path().join("space.json")).unwrap();
    assert!(open_error(dir.path()).contains("space.json is missing"));
}

#[test]
fn a_first_start_that_was_cut_off_is_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(dir.path(), &space("one")).unwrap());
    std::fs::remove_dir_all(dir.path().join("shard")).unwrap();
    assert!(EmbeddedStore::open(dir.path(), &space("one")).is_ok());
}

#[test]
fn recreating_takes_another_space() {
    let dir = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(dir.path(), &space("one")).unwrap());
    drop(EmbeddedStore::recreate(dir.path(), &space("two")).unwrap());
    assert!(EmbeddedStore::open(dir.path(), &space("two")).is_ok());
    assert!(matches!(
        EmbeddedStore::open(dir.path(), &space("one")),
        Err(VectorStoreError::SpaceMismatch { .. })
    ));
}
