//! Tests what the contract suite cannot reach: damaged files, and indexing.

use std::path::Path;
use std::time::Duration;

use domain::{
    ChunkPoint, EmbeddingSpace, Filter, Scope, Selection, SparseVector, VectorStore, VectorStoreError,
    WorkspaceId, with_causes,
};

use super::open::remove_old_log;
use super::store::EmbeddedStore;
use crate::fixture::chunk;

fn space(model: &str) -> EmbeddingSpace {
    EmbeddingSpace {
        model: model.to_owned(),
        dimensions: 4,
        query_prefix: String::new(),
        passage_prefix: String::new(),
    }
}

fn open_error(dir: &Path) -> String {
    with_causes(&EmbeddedStore::open(dir, &space("one")).err().expect("the store must not open"))
}

#[test]
fn damaged_files_are_errors_that_name_the_repair() {
    for (file, content) in [
        ("space.json", &b"{"[..]),
        (
            "space.json",
            br#"{"format":99,"space":{"model":"one","dimensions":4,"query_prefix":"","passage_prefix":""}}"#,
        ),
        // The last format before tags and dates.
        (
            "space.json",
            br#"{"format":1,"space":{"model":"one","dimensions":4,"query_prefix":"","passage_prefix":""}}"#,
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
        EmbeddedStore::destroy(dir.path()).unwrap();
        assert!(EmbeddedStore::open(dir.path(), &space("one")).is_ok(), "{file}");
    }
}

#[test]
fn a_shard_without_its_label_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(dir.path(), &space("one")).unwrap());
    std::fs::remove_file(dir.path().join("space.json")).unwrap();
    assert!(open_error(dir.path()).contains("`space.json` is missing"));
}

#[test]
fn an_interrupted_first_start_is_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    drop(EmbeddedStore::open(dir.path(), &space("one")).unwrap());
    std::fs::remove_dir_all(dir.path().join("shard")).unwrap();
    assert!(EmbeddedStore::open(dir.path(), &space("one")).is_ok());
}

#[test]
fn a_destroyed_store_leaves_nothing_and_its_folder_takes_another_space() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("index");
    assert!(!EmbeddedStore::exists(&dir));
    let store = EmbeddedStore::open(&dir, &space("one")).unwrap();
    assert!(EmbeddedStore::exists(&dir));
    assert!(matches!(EmbeddedStore::destroy(&dir), Err(VectorStoreError::Locked(_))), "it is in use");
    drop(store);
    EmbeddedStore::destroy(&dir).unwrap();
    EmbeddedStore::destroy(&dir).unwrap();
    assert!(!dir.exists());
    drop(EmbeddedStore::open(&dir, &space("two")).unwrap());
    assert!(matches!(EmbeddedStore::open(&dir, &space("one")), Err(VectorStoreError::SpaceMismatch { .. })));
}

/// Enough vectors that the engine builds an index: it begins at ten megabytes.
#[tokio::test]
async fn an_indexed_store_finds_what_it_found_before() {
    const POINTS: u32 = 7_000;
    const DIMENSIONS: usize = 384;
    let dir = tempfile::tempdir().unwrap();
    let space = EmbeddingSpace { dimensions: DIMENSIONS, ..space("one") };
    let store = EmbeddedStore::open(dir.path(), &space).unwrap();
    store.upsert((0..POINTS).map(|position| point(position, DIMENSIONS)).collect()).await.unwrap();
    let wanted = point(4_321, DIMENSIONS);
    let scope = Scope {
        workspace: wanted.chunk.workspace,
        collections: vec![wanted.chunk.collection],
        filter: Filter::default(),
    };
    let query = wanted.dense.unwrap();
    let before = store.search_dense(&scope, &query, 1).await.unwrap();
    store.shard.index();
    assert!(store.shard.engine.info().indexed_vectors_count >= POINTS as usize);
    let after = store.search_dense(&scope, &query, 1).await.unwrap();
    assert_eq!(before[0].chunk, wanted.chunk);
    assert_eq!(before[0].chunk, after[0].chunk);
    assert_eq!(store.count(Selection::Workspace(WorkspaceId::DEFAULT)).await.unwrap(), u64::from(POINTS));
}

/// `daedap ingest` exits long before the pause that triggers indexing.
#[tokio::test]
async fn what_the_last_process_left_unindexed_is_indexed_by_a_flush_or_soon_after_opening() {
    const DIMENSIONS: usize = 384;
    let space = EmbeddingSpace { dimensions: DIMENSIONS, ..space("one") };
    for flushes in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(dir.path(), &space).unwrap();
        store.upsert((0..7_000).map(|position| point(position, DIMENSIONS)).collect()).await.unwrap();
        drop(store);
        assert!(!has_dense_index(dir.path()));
        let store = EmbeddedStore::open(dir.path(), &space).unwrap();
        if flushes {
            store.flush().await.unwrap();
        }
        while !flushes && !has_dense_index(dir.path()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(has_dense_index(dir.path()));
        drop(store);
        // The indexing thread may still have it open.
        while let Err(VectorStoreError::Locked(_)) = EmbeddedStore::destroy(dir.path()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn has_dense_index(dir: &Path) -> bool {
    let segments = std::fs::read_dir(dir.join("shard/segments")).unwrap();
    segments.flatten().any(|segment| segment.path().join("vector_index-dense").exists())
}

/// A point whose vector is unlike the others': long waves of its own frequency.
fn point(position: u32, dimensions: usize) -> ChunkPoint {
    let wave = (0..dimensions).map(|at| ((at + 1) as f32 * (position + 1) as f32 * 0.7).sin());
    ChunkPoint {
        chunk: chunk("d", position, ""),
        dense: Some(wave.collect()),
        sparse: SparseVector { indices: vec![position % 100], values: vec![1.0] },
    }
}

/// The files below `dir` that contain `word`.
fn files_with(dir: &Path, word: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, word));
        } else if std::fs::read(&path).unwrap().windows(word.len()).any(|part| part == word) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_purged_store_has_no_byte_of_a_removed_point_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), &space("one")).unwrap();
    let mut secret = point(7, 4);
    secret.chunk = chunk("secret", 0, "The erasable word is xyzzyplugh.");
    store.upsert(vec![point(1, 4), secret.clone()]).await.unwrap();
    let removed = Selection::Version(secret.chunk.workspace, secret.chunk.version);
    let everything = Selection::Workspace(WorkspaceId::DEFAULT);
    store.remove(removed).await.unwrap();
    let mut kept = point(2, 4);
    kept.chunk.text = "The other word stays.".to_owned();
    store.upsert(vec![kept]).await.unwrap();
    assert!(!files_with(dir.path(), b"xyzzyplugh").is_empty(), "the engine only marks points as removed");
    for _ in 0..2 {
        store.purge().await.unwrap();
        assert_eq!(files_with(dir.path(), b"xyzzyplugh"), [""; 0]);
        assert_eq!(store.count(everything).await.unwrap(), 2);
    }
    // Later operations have later numbers: the engine would skip others.
    store.upsert(vec![point(3, 4)]).await.unwrap();
    drop(store);
    let store = reopened(dir.path());
    store.upsert(vec![point(4, 4)]).await.unwrap();
    drop(store);
    assert_eq!(reopened(dir.path()).count(everything).await.unwrap(), 4);
}

/// The store once the indexing thread has let go of it.
fn reopened(dir: &Path) -> EmbeddedStore {
    loop {
        match EmbeddedStore::open(dir, &space("one")) {
            Err(VectorStoreError::Locked(_)) => std::thread::sleep(Duration::from_millis(20)),
            opened => return opened.unwrap(),
        }
    }
}

#[test]
fn of_the_old_log_only_the_last_closed_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["closed-0", "closed-10", "closed-9", "open-3", "first-index"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    remove_old_log(dir.path()).unwrap();
    let names =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["closed-10", "first-index", "open-3"]);
}
