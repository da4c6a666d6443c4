//! A collection follows a ZIP archive of documents.

use std::fs;

use ingest::{SyncRequest, sync_folder};

use crate::kit::{Kit, WORKSPACE, archive};

#[tokio::test]
async fn a_collection_follows_an_archive_as_if_it_were_a_folder() {
    let Some(kit) = Kit::new().await else { return };
    let root = kit.folder.path().join("docs");
    fs::create_dir_all(&root).expect("a folder");
    let request = SyncRequest {
        workspace: WORKSPACE,
        collection: kit.collection.id,
        root: root.clone(),
        tags: None,
        force: false,
        prune: true,
    };
    let sync = async || {
        let report = sync_folder(&kit.context, request.clone(), |_| {}).await.expect("it is read");
        let failed: Vec<String> = report.failed.iter().map(|failed| failed.code.clone()).collect();
        ([report.added, report.updated, report.moved, report.unchanged, report.removed], failed)
    };
    let nested = archive(&[("inner.md", b"# Inner".as_slice())]);
    let first = archive(&[
        ("leave.md", b"# Leave\n\nFifteen days.".as_slice()),
        ("travel.md", b"# Travel\n\nBy train.".as_slice()),
        ("old.zip", &nested),
    ]);
    fs::write(root.join("handbook.zip"), &first).expect("a file");
    assert_eq!(sync().await, ([2, 0, 0, 0, 0], vec!["unsupported_type".to_owned()]));
    let found = kit.find_words("train").await;
    assert!(found[0].chunk.source.ends_with("docs/handbook.zip/travel.md"), "{}", found[0].chunk.source);
    assert_eq!(sync().await.0, [0, 0, 0, 2, 0]);

    let second = archive(&[
        ("leave.md", b"# Leave\n\nTwenty days.".as_slice()),
        ("rail/travel.md", b"# Travel\n\nBy train.".as_slice()),
    ]);
    fs::write(root.join("handbook.zip"), second).expect("a file");
    assert_eq!(sync().await, ([0, 1, 1, 0, 0], vec![]));

    let names: Vec<String> = (0..10_001).map(|number| format!("{number}.txt")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    fs::write(root.join("handbook.zip"), archive(&members)).expect("a file");
    assert_eq!(sync().await, ([0; 5], vec!["too_costly".to_owned()]), "what it held is not known to be gone");

    fs::remove_file(root.join("handbook.zip")).expect("a removal");
    fs::write(root.join("other.md"), "# Other\n\nText.").expect("a file");
    assert_eq!(sync().await.0, [1, 0, 0, 0, 2]);
    kit.assert_whole().await;
}
