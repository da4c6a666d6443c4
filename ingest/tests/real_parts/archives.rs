//! A collection follows a ZIP archive of documents.

use std::fs;

use ingest::{RemovalLimit, SyncRequest, sync_folder};

use crate::kit::{Kit, WORKSPACE, archive};

/// The archive with `change` made to each header that begins with `signature`.
fn with_headers(mut archive: Vec<u8>, signature: &[u8; 4], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let is_header = |at: &usize| archive[*at..].starts_with(signature);
    let headers: Vec<usize> = (0..archive.len()).filter(is_header).collect();
    assert!(!headers.is_empty());
    headers.into_iter().for_each(|at| change(&mut archive[at..]));
    archive
}

const LOCAL_HEADER: &[u8; 4] = b"PK\x03\x04";
const CENTRAL_HEADER: &[u8; 4] = b"PK\x01\x02";

/// The ways in which an archive cannot be read, or not wholly.
fn damaged(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let encrypted = with_headers(whole.to_vec(), CENTRAL_HEADER, |header| header[8] |= 1);
    let too_large = with_headers(whole.to_vec(), CENTRAL_HEADER, |header| {
        header[24..28].copy_from_slice(&(65_u32 << 20).to_le_bytes());
    });
    let mut no_headers = with_headers(whole.to_vec(), LOCAL_HEADER, |header| header[0] = b'X');
    no_headers[0] = b'P';
    let no_content = with_headers(whole.to_vec(), LOCAL_HEADER, |header| header[40..44].fill(0xff));
    // Within it stands a whole one, whose end is taken for that of all.
    let nested = [whole, b"PK"].concat();
    let zeros = vec![0; whole.len()];
    vec![
        ("cut in half", whole[..whole.len() / 2].to_vec()),
        ("without its last byte", whole[..whole.len() - 1].to_vec()),
        ("empty", Vec::new()),
        ("a few bytes", whole[..3].to_vec()),
        ("zeros", zeros),
        ("encrypted", encrypted),
        ("with members that are too large", too_large),
        ("without headers", no_headers),
        ("with damaged content", no_content),
        ("in another one that is cut off", [&LOCAL_HEADER[..], &[0; 26], &nested].concat()),
    ]
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_keeps_its_documents() {
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
        removals: RemovalLimit::Unlimited,
    };
    let sync = async || sync_folder(&kit.context, request.clone(), |_| {}).await.expect("it is read");
    let whole = archive(&[
        ("휴가.md", "# 휴가\n\n연차는 15일입니다.".as_bytes()),
        ("급여.md", "# 급여\n\n급여는 매월 25일에 지급합니다.".as_bytes()),
    ]);
    fs::write(root.join("안내.md"), "# 안내\n\n규정을 모았습니다.").expect("a file");
    fs::write(root.join("규정.zip"), &whole).expect("a file");
    assert_eq!(sync().await.added, 3);
    let stored = kit.db.document_sources(WORKSPACE, kit.collection.id).await.expect("a list");
    for (how, bytes) in damaged(&whole) {
        fs::write(root.join("규정.zip"), bytes).expect("a file");
        let report = sync().await;
        assert_eq!((report.removed, report.added), (0, 0), "{how}: {report:?}");
        let failed: Vec<&str> = report.failed.iter().map(|failed| failed.source.as_str()).collect();
        assert!(failed.iter().any(|source| source.contains("/규정.zip")), "{how}: {failed:?}");
        let left = kit.db.document_sources(WORKSPACE, kit.collection.id).await.expect("a list");
        assert_eq!(left, stored, "{how}");
    }
    fs::write(root.join("규정.zip"), &whole).expect("a file");
    let report = sync().await;
    assert_eq!((report.unchanged, report.failed.len()), (3, 0), "{report:?}");
    fs::write(root.join("규정.zip"), archive(&[("휴가.md", "# 휴가\n\n연차는 15일입니다.")]))
        .expect("a file");
    assert_eq!(sync().await.removed, 1, "what a whole archive does not hold is gone");
}

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
        removals: RemovalLimit::Few,
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
