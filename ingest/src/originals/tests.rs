//! Tests originals in a folder.

use futures::stream;

use super::*;

/// Files below a folder, whatever they are.
fn files(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn keeps_by_content_and_refuses_what_is_too_large() {
    let dir = tempfile::tempdir().expect("a folder");
    let originals = Originals::in_folder(dir.path()).expect("a store");
    let pieces = || stream::iter([Ok::<_, io::Error>("안녕"), Ok("하세요")]);
    let kept = originals.keep(pieces(), 100).await.expect("kept");
    let hash = kept.hash().to_owned();
    assert_eq!(hash, Sha256Digest::of("안녕하세요".as_bytes()).to_string());
    assert_eq!(originals.keep(pieces(), 100).await.expect("kept").hash(), hash);
    originals.keep_bytes(&hash, "안녕하세요".into()).await.expect("it is here");
    assert_eq!(originals.read(&hash).await.expect("here"), "안녕하세요".as_bytes());
    assert_eq!(originals.list().await.expect("a list"), std::slice::from_ref(&hash));
    assert!(matches!(originals.keep(pieces(), 10).await, Err(KeepError::TooLarge { limit_bytes: 10 })));
    assert_eq!(files(dir.path()), 1, "refused bytes leave nothing behind");
    for _ in 0..2 {
        originals.remove(&hash).await.expect("removed");
        assert!(!originals.contains(&hash).await.expect("asked"));
    }
    assert!(matches!(originals.read(&hash).await, Err(OriginalsError::Missing)));
}

#[tokio::test]
async fn the_name_is_sha256_in_hexadecimal() {
    let dir = tempfile::tempdir().expect("a folder");
    let originals = Originals::in_folder(dir.path()).expect("a store");
    let kept = originals.keep(stream::iter([Ok::<_, io::Error>("abc")]), 100).await.expect("kept");
    assert_eq!(kept.hash(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[tokio::test]
async fn a_broken_upload_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let originals = Originals::in_folder(dir.path()).expect("a store");
    let pieces = stream::iter([Ok("half"), Err("gone")]);
    assert!(matches!(originals.keep(pieces, 100).await, Err(KeepError::Source("gone"))));
    assert_eq!(files(dir.path()), 0);
}

#[tokio::test]
async fn what_a_killed_process_left_unfinished_is_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let originals = Originals::in_folder(dir.path()).expect("a store");
    let kept = originals.keep(stream::iter([Ok::<_, io::Error>("whole")]), 100).await.expect("kept");
    let hash = kept.hash();
    for name in ["incoming-0193a000#1", "incoming-0193a001", &format!("{hash}#1"), "a note.txt"] {
        std::fs::write(dir.path().join(name), "half").expect("written");
    }
    let originals = Originals::in_folder(dir.path()).expect("a store");
    assert_eq!(originals.read(hash).await.expect("here"), "whole");
    assert_eq!(files(dir.path()), 2, "with the note, which is somebody's own");
}

#[tokio::test]
async fn what_is_being_stored_is_not_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let originals = Originals::in_folder(dir.path()).expect("a store");
    let unused = || async { Ok::<_, OriginalsError>(Some(())) };
    let kept = originals.keep(stream::iter([Ok::<_, io::Error>("abc")]), 100).await.expect("kept");
    let again = originals.keep_bytes(kept.hash(), "abc".into()).await.expect("kept");
    let hash = kept.hash().to_owned();
    drop(kept);
    assert!(originals.remove_if(&hash, unused()).await.expect("asked").is_none(), "somebody else stores it");
    assert!(originals.contains(&hash).await.expect("asked"));
    drop(again);
    let used = async { Ok::<_, OriginalsError>(None::<()>) };
    assert_eq!(originals.remove_if(&hash, used).await.expect("asked"), Some(None));
    assert!(originals.contains(&hash).await.expect("asked"));
    assert_eq!(originals.remove_if(&hash, unused()).await.expect("asked"), Some(Some(())));
    assert!(!originals.contains(&hash).await.expect("asked"));
}

#[test]
fn only_buckets_have_addresses() {
    for address in ["", "/srv/originals", "file:///srv", "https://example.com/bucket"] {
        assert!(matches!(Originals::in_bucket(address), Err(OriginalsError::Unusable { .. })), "{address}");
    }
}
