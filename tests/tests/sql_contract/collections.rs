//! Collections, and the wall between workspaces.

use db::{Database, DbError, JobState, NewJob};
use domain::{CollectionId, Language, Visibility, WorkspaceId};
use uuid::Uuid;

use crate::conversations::interrupted;
use crate::{HOME, NEIGHBOUR, ask, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    collections_are_made_once,
    deleting_takes_all,
    workspaces_never_meet,
    a_sample_is_loaded_once_in_each_workspace
);

async fn a_sample_is_loaded_once_in_each_workspace(database: &Database) {
    assert_eq!(database.is_sample_loaded(HOME).await, Ok(false));
    database.mark_sample_loaded(HOME).await.expect("marked");
    database.mark_sample_loaded(HOME).await.expect("marked again");
    assert_eq!(database.is_sample_loaded(HOME).await, Ok(true));
    let nobody = WorkspaceId(Uuid::from_u128(404));
    assert_eq!(database.is_sample_loaded(nobody).await, Err(DbError::NotFound("workspace")));
    assert_eq!(database.mark_sample_loaded(nobody).await, Err(DbError::NotFound("workspace")));
}

async fn collections_are_made_once(database: &Database) {
    let made = database.ensure_collection(HOME, "사내 규정", Visibility::Private).await.expect("made");
    let again = database.ensure_collection(HOME, "사내 규정", Visibility::Public).await.expect("found");
    assert_eq!(again, made, "naming a private collection does not make it public");
    assert_eq!(made.id, CollectionId::derive(HOME, "사내 규정"));
    let other = database.ensure_collection(HOME, "faq", Visibility::Public).await.expect("made");
    let all = database.collections(HOME).await.expect("listed");
    assert_eq!(all.len(), 2);
    assert!(all.contains(&made) && all.contains(&other), "{all:?}");

    for bad in ["", "a\0b"] {
        let refused = database.ensure_collection(HOME, bad, Visibility::Public).await;
        assert!(matches!(refused, Err(DbError::Rejected(_))), "{bad:?}: {refused:?}");
    }
    let nobody = WorkspaceId(Uuid::from_u128(404));
    let refused = database.ensure_collection(nobody, "faq", Visibility::Public).await;
    assert!(matches!(refused, Err(DbError::NotFound(_))), "{refused:?}");
}

async fn deleting_takes_all(database: &Database) {
    let collection = handbook(database).await;
    let live = begin(database, leave(&collection, "15 days")).await;
    database.publish_version(HOME, live.id, 3).await.expect("published");
    let job = database
        .enqueue_job(NewJob {
            workspace: HOME,
            collection: collection.id,
            source: "new.md".to_owned(),
            content_hash: "hash".to_owned(),
            tags: None,
            dated_at: None,
            forced: false,
        })
        .await
        .expect("queued");
    let pending = begin(database, leave(&collection, "16 days")).await;

    database.delete_collection(HOME, collection.id).await.expect("deleted");

    assert_eq!(database.collection(HOME, collection.id).await, Err(DbError::NotFound("collection")));
    assert_eq!(database.collections(HOME).await.expect("listed"), []);
    assert_eq!(database.count_documents(HOME).await, Ok(0));
    assert_eq!(database.document(HOME, live.document).await, Err(DbError::NotFound("document")));
    assert!(database.live_versions(HOME, &[live.document]).await.expect("asked").is_empty());
    let stale = database.stale_versions(10).await.expect("listed");
    assert_eq!(stale.len(), 2, "both versions await removal: {stale:?}");
    let published = database.publish_version(HOME, pending.id, 3).await;
    assert!(matches!(published, Err(DbError::Conflict(_))), "{published:?}");
    let begun = database.begin_version(leave(&collection, "17 days")).await;
    assert_eq!(begun, Err(DbError::NotFound("collection")));
    assert_eq!(database.job(HOME, job.id).await.expect("kept").state, JobState::Cancelled);
    assert_eq!(database.claim_job(std::time::Duration::from_secs(60)).await, Ok(None));
    assert_eq!(database.delete_collection(HOME, collection.id).await, Err(DbError::NotFound("collection")));

    let back = database.ensure_collection(HOME, "handbook", Visibility::Public).await.expect("back");
    assert_eq!((back.id, back.visibility), (collection.id, Visibility::Public));
    assert_eq!(database.document_sources(HOME, back.id).await, Ok(Vec::new()), "its documents are not");
}

async fn workspaces_never_meet(database: &Database) {
    database.ensure_workspace(NEIGHBOUR, "neighbour").await.expect("a second workspace");
    let ours = handbook(database).await;
    let theirs = database.ensure_collection(NEIGHBOUR, "handbook", Visibility::Public).await.expect("made");
    assert_ne!(ours.id, theirs.id);
    let ours_live = begin(database, leave(&ours, "15 days")).await;
    database.publish_version(HOME, ours_live.id, 1).await.expect("published");
    let theirs_live = begin(database, leave(&theirs, "20 days")).await;
    database.publish_version(NEIGHBOUR, theirs_live.id, 1).await.expect("published");

    let both = [ours_live.document, theirs_live.document];
    let seen = database.live_versions(NEIGHBOUR, &both).await.expect("asked");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(theirs_live.document, theirs_live.id)]);
    assert_eq!(database.count_documents(NEIGHBOUR).await, Ok(1));
    assert_eq!(database.live_documents_after(NEIGHBOUR, None, 10).await.expect("listed").len(), 1);
    assert_eq!(database.documents(NEIGHBOUR, ours.id, None, 10).await, Ok(Vec::new()));
    assert_eq!(database.document_sources(NEIGHBOUR, ours.id).await, Ok(Vec::new()));
    assert_eq!(database.collection(NEIGHBOUR, ours.id).await, Err(DbError::NotFound("collection")));
    assert_eq!(database.document(NEIGHBOUR, ours_live.document).await, Err(DbError::NotFound("document")));
    assert_eq!(database.version(NEIGHBOUR, ours_live.id).await, Err(DbError::NotFound("version")));
    assert_eq!(database.publish_version(NEIGHBOUR, ours_live.id, 9).await, Err(DbError::NotFound("version")));
    assert_eq!(database.delete_collection(NEIGHBOUR, ours.id).await, Err(DbError::NotFound("collection")));
    assert_eq!(
        database.delete_document(NEIGHBOUR, ours_live.document).await,
        Err(DbError::NotFound("document"))
    );
    let mut smuggled = leave(&ours, "30 days");
    smuggled.workspace = NEIGHBOUR;
    assert_eq!(database.begin_version(smuggled).await, Err(DbError::NotFound("collection")));

    conversations_never_meet(database).await;
    assert_eq!(database.document(HOME, ours_live.document).await.expect("untouched").chunk_count, 1);
}

async fn conversations_never_meet(database: &Database) {
    let ours = database.create_conversation(HOME).await.expect("a conversation");
    let [_, answer] = ask(database, ours.id, "How many days?").await;

    let none = DbError::NotFound("conversation");
    assert_eq!(database.conversations(NEIGHBOUR, 10).await, Ok(Vec::new()));
    assert_eq!(database.conversation(NEIGHBOUR, ours.id).await.as_ref(), Err(&none));
    assert_eq!(database.turns(NEIGHBOUR, ours.id).await.as_ref(), Err(&none));
    let asked = database.begin_exchange(NEIGHBOUR, ours.id, "And I?", Language::ENGLISH).await;
    assert_eq!(asked.as_ref(), Err(&none));
    assert_eq!(database.delete_conversation(NEIGHBOUR, ours.id).await.as_ref(), Err(&none));

    let none = DbError::NotFound("turn");
    assert_eq!(database.save_partial_answer(NEIGHBOUR, answer.id, "theirs").await.as_ref(), Err(&none));
    assert_eq!(database.finish_answer(NEIGHBOUR, answer.id, interrupted()).await.as_ref(), Err(&none));
    assert_eq!(database.turn_passages(NEIGHBOUR, answer.id).await.as_ref(), Err(&none));
    let said = database.save_feedback(NEIGHBOUR, answer.id, true, "").await;
    assert_eq!(said, Err(DbError::NotFound("answer")));
}
