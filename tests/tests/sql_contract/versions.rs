//! A document's life: begun, published, replaced, deleted, back again. No reader ever sees a version that is not live.

use db::{BegunVersion, Database, DbError, DocumentSource, NewVersion, StaleVersion};
use domain::{DocumentId, Language, PageStart, VersionId, VersionState};
use jiff::Timestamp;

use crate::{HOME, NEIGHBOUR, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    a_document_from_first_to_last,
    a_pending_version_is_never_seen,
    work_is_taken_up_again,
    lists_go_by_pages,
    many_write_at_once,
    texts_are_kept_exactly,
    tags_and_dates_are_those_of_the_live_version,
);

async fn a_document_from_first_to_last(database: &Database) {
    let collection = handbook(database).await;
    let first = begin(database, leave(&collection, "15 days")).await;
    assert_eq!((first.number, first.state), (1, VersionState::Pending));
    assert_eq!(first.id, VersionId::derive(DocumentId::derive(collection.id, "leave.md"), 1));

    let one = database.publish_version(HOME, first.id, 4).await.expect("published");
    assert_eq!((one.live_version, one.version_number, one.chunk_count), (Some(first.id), 1, 4));
    assert_eq!((one.title.as_str(), one.language), ("Leave: 15 days", Language::ENGLISH));
    assert_eq!(database.document(HOME, one.id).await, Ok(one.clone()));
    assert_eq!(
        database.document_sources(HOME, collection.id).await,
        Ok(vec![DocumentSource {
            document: one.id,
            source: "leave.md".to_owned(),
            content_hash: "hash of 15 days".to_owned(),
            tags: Vec::new(),
        }])
    );
    let begun = database.begin_version(leave(&collection, "15 days")).await;
    assert_eq!(begun, Ok(BegunVersion::Unchanged(one.clone())));
    let repeated = database.publish_version(HOME, first.id, 5).await.expect("no error");
    assert_eq!(
        (repeated.chunk_count, repeated.updated_at),
        (5, one.updated_at),
        "the same version, rechunked"
    );

    let second = begin(database, leave(&collection, "16 days")).await;
    assert_eq!(database.document(HOME, one.id).await.expect("there").live_version, Some(first.id));
    let two = database.publish_version(HOME, second.id, 6).await.expect("published");
    assert_eq!((two.live_version, two.version_number), (Some(second.id), 2));
    assert_eq!((two.created_at, two.id), (one.created_at, one.id));
    assert!(two.updated_at >= one.updated_at);
    let stale = StaleVersion { workspace: HOME, document: one.id, version: first.id };
    assert_eq!(database.stale_versions(10).await, Ok(vec![stale]));
    database.mark_chunks_removed(first.id).await.expect("noted");
    database.mark_chunks_removed(first.id).await.expect("noting it again is no error");
    assert_eq!(database.stale_versions(10).await, Ok(Vec::new()));
    assert_eq!(database.version(HOME, first.id).await.expect("kept as history").text, "15 days");
    assert_eq!(database.mark_chunks_removed(second.id).await, Err(DbError::NotFound("superseded version")));

    let history = async |before, limit| {
        let versions = database.version_history(HOME, one.id, before, limit).await.expect("listed");
        versions.into_iter().map(|version| (version.number, version.title)).collect::<Vec<_>>()
    };
    let both = [(2, "Leave: 16 days".to_owned()), (1, "Leave: 15 days".to_owned())];
    assert_eq!(history(None, 9).await, both);
    assert_eq!((history(None, 1).await, history(Some(2), 9).await), (both[..1].to_vec(), both[1..].to_vec()));
    assert_eq!(database.version_by_number(HOME, one.id, 1).await.expect("there").text, "15 days");
    assert_eq!(database.version_by_number(NEIGHBOUR, one.id, 1).await, Err(DbError::NotFound("version")));

    database.delete_document(HOME, one.id).await.expect("deleted");
    assert_eq!(database.document(HOME, one.id).await, Err(DbError::NotFound("document")));
    assert_eq!(database.delete_document(HOME, one.id).await, Err(DbError::NotFound("document")));
    assert_eq!(database.documents(HOME, collection.id, None, 10).await, Ok(Vec::new()));
    assert_eq!(database.live_documents_after(HOME, None, 10).await, Ok(Vec::new()));
    assert_eq!(database.document_sources(HOME, collection.id).await, Ok(Vec::new()));
    assert_eq!(database.count_documents(HOME).await, Ok(0));
    assert!(database.live_versions(HOME, &[one.id]).await.expect("asked").is_empty());

    // The same content again is not "unchanged": the document is gone.
    let third = begin(database, leave(&collection, "16 days")).await;
    assert_eq!(third.number, 3, "numbers go on, so no id is used twice");
    let three = database.publish_version(HOME, third.id, 6).await.expect("published");
    assert_eq!((three.id, three.version_number), (one.id, 3));
    assert_eq!(database.count_documents(HOME).await, Ok(1));
}

async fn a_pending_version_is_never_seen(database: &Database) {
    let collection = handbook(database).await;
    let first = begin(database, leave(&collection, "15 days")).await;
    assert_eq!(database.documents(HOME, collection.id, None, 10).await, Ok(Vec::new()));
    assert_eq!(database.live_documents_after(HOME, None, 10).await, Ok(Vec::new()));
    assert_eq!(database.document_sources(HOME, collection.id).await, Ok(Vec::new()));
    assert_eq!(database.count_documents(HOME).await, Ok(0));
    assert!(database.live_versions(HOME, &[first.document]).await.expect("asked").is_empty());
    let unborn = database.document(HOME, first.document).await.expect("known");
    assert_eq!((unborn.live_version, unborn.version_number, unborn.chunk_count), (None, 0, 0));
    assert_eq!((unborn.title.as_str(), unborn.content_hash.as_str()), ("leave.md", ""));
    assert_eq!(database.stale_versions(10).await, Ok(Vec::new()), "work in progress is not swept");

    database.publish_version(HOME, first.id, 1).await.expect("published");
    begin(database, leave(&collection, "16 days")).await;
    let live = database.live_versions(HOME, &[first.document]).await.expect("asked");
    assert_eq!(live.get(&first.document), Some(&first.id), "the old version answers until the flip");
}

async fn work_is_taken_up_again(database: &Database) {
    let collection = handbook(database).await;
    let begun = begin(database, leave(&collection, "15 days")).await;
    let mut better = leave(&collection, "15 days");
    better.text = "15 days, parsed better".to_owned();
    let resumed = begin(database, better).await;
    assert_eq!((resumed.id, resumed.text.as_str()), (begun.id, "15 days, parsed better"));

    let replaced = begin(database, leave(&collection, "16 days")).await;
    assert_ne!(replaced.id, begun.id);
    let late = database.publish_version(HOME, begun.id, 2).await;
    assert!(matches!(late, Err(DbError::Conflict(_))), "{late:?}");
    database.publish_version(HOME, replaced.id, 2).await.expect("published");
    assert_eq!(database.version(HOME, begun.id).await.expect("kept").state, VersionState::Superseded);

    // The work on a superseded version may have written chunks after they were swept: they are swept again.
    database.mark_chunks_removed(begun.id).await.expect("swept");
    database.publish_version(HOME, begun.id, 2).await.expect_err("still superseded");
    assert_eq!(database.stale_versions(10).await.expect("listed").len(), 1);

    // A change that is taken back before it was published leaves nothing behind.
    let taken_back = begin(database, leave(&collection, "17 days")).await;
    let unchanged = database.begin_version(leave(&collection, "16 days")).await.expect("begun");
    assert!(matches!(unchanged, BegunVersion::Unchanged(_)), "{unchanged:?}");
    assert_eq!(database.version(HOME, taken_back.id).await.expect("kept").state, VersionState::Superseded);

    let mut forced = leave(&collection, "16 days");
    forced.force = true;
    let again = begin(database, forced.clone()).await;
    assert_eq!(again.number, 4);
    assert_eq!(begin(database, forced).await.id, again.id, "a forced one is taken up again too");
    assert_eq!(database.publish_version(HOME, again.id, 2).await.expect("published").version_number, 4);

    let unknown = VersionId::derive(again.document, 99);
    assert_eq!(database.publish_version(HOME, unknown, 1).await, Err(DbError::NotFound("version")));
    assert_eq!(database.version(HOME, unknown).await, Err(DbError::NotFound("version")));
}

async fn lists_go_by_pages(database: &Database) {
    let collection = handbook(database).await;
    let mut expected = Vec::new();
    for number in 0..7 {
        let mut new = leave(&collection, "15 days");
        new.source = format!("{number}.md");
        let version = begin(database, new).await;
        database.publish_version(HOME, version.id, 1).await.expect("published");
        expected.push(version.document);
    }
    expected.sort();

    let (mut by_collection, mut by_workspace) = (Vec::new(), Vec::new());
    loop {
        let page =
            database.documents(HOME, collection.id, by_collection.last().copied(), 3).await.expect("a page");
        assert!(page.len() <= 3);
        by_collection.extend(page.iter().map(|document| document.id));
        let page =
            database.live_documents_after(HOME, by_workspace.last().copied(), 3).await.expect("a page");
        by_workspace.extend(page.iter().map(|document| document.id));
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(by_collection, expected);
    assert_eq!(by_workspace, expected);

    // More ids than one statement takes, most of them unknown.
    let mut asked: Vec<DocumentId> =
        (0..1200).map(|number| DocumentId::derive(collection.id, &format!("unknown {number}"))).collect();
    asked.extend(&expected);
    assert_eq!(database.live_versions(HOME, &asked).await.expect("asked").len(), 7);
    assert!(database.live_versions(HOME, &[]).await.expect("asked").is_empty());
}

async fn many_write_at_once(database: &Database) {
    let collection = handbook(database).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (database, collection) = (database.clone(), collection.clone());
        writers.spawn(async move {
            for round in 0..5 {
                let new = leave(&collection, &format!("{writer} in round {round}"));
                let version = begin(&database, new).await;
                match database.publish_version(HOME, version.id, 1).await {
                    // Another writer began a later version in between.
                    Ok(_) | Err(DbError::Conflict(_)) => {}
                    Err(error) => panic!("writers never break each other: {error}"),
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("a writer ends well");
    }

    let document = DocumentId::derive(collection.id, "leave.md");
    let mut live = 0;
    for number in 1..=40 {
        let version = database.version(HOME, VersionId::derive(document, number)).await.expect("no gap");
        live += usize::from(version.state == VersionState::Live);
    }
    assert_eq!(live, 1);
    assert_eq!(database.count_documents(HOME).await, Ok(1));
}

async fn texts_are_kept_exactly(database: &Database) {
    let collection = handbook(database).await;
    let mut new = leave(&collection, "");
    new.source = "규정/휴가 👩‍👩‍👧.md".to_owned();
    new.title = "연차 '휴가'; DROP TABLE turns; --".to_owned();
    new.text = format!("# 연차\r\n{}\u{200d}\u{fffd}", "하루 🏖️ \\ \" $1 ? ".repeat(20_000));
    new.language = Language::KOREAN;
    new.page_starts = vec![PageStart { offset: 0, page: 1 }, PageStart { offset: 4096, page: 2 }];
    let version = begin(database, new.clone()).await;
    assert_eq!((&version.text, &version.page_starts), (&new.text, &new.page_starts));
    assert_eq!(database.version(HOME, version.id).await, Ok(version.clone()));
    let document = database.publish_version(HOME, version.id, u32::MAX).await.expect("published");
    assert_eq!((document.source, document.title), (new.source.clone(), new.title.clone()));
    assert_eq!((document.language, document.chunk_count), (Language::KOREAN, u32::MAX));

    for bad in [
        NewVersion { text: "a\0b".to_owned(), ..new.clone() },
        NewVersion { title: "\0".to_owned(), ..new.clone() },
        NewVersion { source: "a\0".to_owned(), ..new.clone() },
        NewVersion { source: String::new(), ..new.clone() },
        NewVersion { content_hash: String::new(), ..new },
    ] {
        let refused = database.begin_version(bad).await;
        assert!(matches!(refused, Err(DbError::Rejected(_))), "{refused:?}");
    }
}

async fn tags_and_dates_are_those_of_the_live_version(database: &Database) {
    let collection = handbook(database).await;
    let tags = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
    let written: Timestamp = "2019-05-01T12:00:00.123Z".parse().expect("a time");
    let dated = |names: &[&str], dated_at| NewVersion {
        tags: tags(names),
        dated_at,
        ..leave(&collection, "15 days")
    };
    let first = begin(database, dated(&["hr", "인사"], Some(written))).await;
    assert_eq!((&first.tags, first.dated_at), (&tags(&["hr", "인사"]), written));
    let unborn = database.document(HOME, first.document).await.expect("there");
    assert_eq!((unborn.tags, unborn.dated_at), (Vec::new(), unborn.created_at), "nothing is live yet");
    let one = database.publish_version(HOME, first.id, 1).await.expect("published");
    assert_eq!((&one.tags, one.dated_at), (&first.tags, written));
    let sources = database.document_sources(HOME, collection.id).await.expect("listed");
    assert_eq!(sources[0].tags, first.tags);

    let touched = database.begin_version(dated(&["hr", "인사"], Some(Timestamp::now()))).await;
    assert_eq!(touched, Ok(BegunVersion::Unchanged(one.clone())), "a date alone changes nothing");
    let second = begin(database, dated(&["hr"], Some(written))).await;
    assert_eq!(second.number, 2, "other tags are another version of the same content");
    assert_eq!(database.document(HOME, one.id).await, Ok(one), "until it is published");
    let begun_at = Timestamp::now().as_millisecond();
    let resumed = begin(database, dated(&["인사"], None)).await;
    assert_eq!(
        (resumed.id, &resumed.tags),
        (second.id, &tags(&["인사"])),
        "it is taken up with what is given now"
    );
    assert!(resumed.dated_at.as_millisecond() >= begun_at, "without a date it is dated now");
    let two = database.publish_version(HOME, second.id, 1).await.expect("published");
    assert_eq!((two.tags, two.dated_at), (resumed.tags, resumed.dated_at));
}
