//! An index's life: begun, filled version by version, switched to, retired, forgotten. One answers at every moment.

use db::{BuildProgress, Database, DbError, StaleVersion};
use domain::{EmbeddingSpace, IndexId};

use crate::{HOME, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    an_index_from_first_to_last,
    a_build_remembers_what_it_holds,
    only_a_whole_index_takes_over,
    of_many_who_begin_one_does,
);

fn space(model: &str) -> EmbeddingSpace {
    EmbeddingSpace {
        model: model.to_owned(),
        dimensions: 384,
        query_prefix: "질문: \"".to_owned(),
        passage_prefix: String::new(),
    }
}

/// The index that answers, by its id.
async fn live(database: &Database) -> Option<IndexId> {
    database.live_index().await.expect("asked").map(|index| index.id)
}

async fn an_index_from_first_to_last(database: &Database) {
    assert_eq!(database.live_index().await, Ok(None));
    assert_eq!(database.building_index().await, Ok(None));
    let first = database.begin_index("all-minilm-l6-v2", &space("one")).await.expect("begun");
    assert_eq!((first.embedder.as_str(), &first.space), ("all-minilm-l6-v2", &space("one")));
    assert_eq!(database.building_index().await, Ok(Some(first.clone())));
    assert_eq!(live(database).await, None, "it does not answer yet");
    assert_eq!(database.switch_index(first.id).await, Ok(true), "there is nothing to put in");
    assert_eq!(database.live_index().await, Ok(Some(first.clone())));
    assert_eq!(database.building_index().await, Ok(None));

    let second = database.begin_index("/models/나의 것", &space("two")).await.expect("begun");
    database.abandon_index(second.id).await.expect("given up");
    assert_eq!(database.retired_indexes().await, Ok(vec![second.clone()]));
    let third = database.begin_index("/models/나의 것", &space("two")).await.expect("begun");
    assert_eq!(database.switch_index(third.id).await, Ok(true));
    assert_eq!(live(database).await, Some(third.id));
    let mut retired = vec![first.clone(), second.clone()];
    retired.sort_by_key(|index| index.id);
    assert_eq!(database.retired_indexes().await, Ok(retired));
    for index in [first.id, second.id] {
        database.delete_retired_index(index).await.expect("forgotten");
    }
    assert_eq!(database.retired_indexes().await, Ok(Vec::new()));

    let (building, retired) = (DbError::NotFound("index being built"), DbError::NotFound("retired index"));
    for gone in [first.id, third.id, IndexId::new()] {
        assert_eq!(database.switch_index(gone).await, Err(building.clone()));
        assert_eq!(database.abandon_index(gone).await, Err(building.clone()));
        assert_eq!(database.delete_retired_index(gone).await, Err(retired.clone()));
    }
    assert!(matches!(database.begin_index("", &space("one")).await, Err(DbError::Rejected(_))));
}

async fn a_build_remembers_what_it_holds(database: &Database) {
    let collection = handbook(database).await;
    let version = begin(database, leave(&collection, "15 days")).await;
    let build = database.begin_index("one", &space("one")).await.expect("begun").id;
    assert_eq!(database.unindexed_documents(build, None, 10).await, Ok(Vec::new()), "nothing is live");
    let document = database.publish_version(HOME, version.id, 4).await.expect("published");
    let missing = database.unindexed_documents(build, None, 10).await;
    assert_eq!(missing, Ok(vec![document.clone()]));
    assert_eq!(database.unindexed_documents(build, Some(document.id), 10).await, Ok(Vec::new()));
    let progress = |indexed, chunks| Ok(BuildProgress { indexed, documents: 1, chunks });
    assert_eq!(database.build_progress(build).await, progress(0, 0));

    let unbegun = database.finish_indexing(build, version.id, 3).await;
    assert_eq!(unbegun, Err(DbError::NotFound("version in the index")));
    database.begin_indexing(build, version.id).await.expect("noted");
    assert_eq!(database.unindexed_documents(build, None, 10).await.expect("listed").len(), 1);
    database.finish_indexing(build, version.id, 3).await.expect("noted");
    assert_eq!(database.unindexed_documents(build, None, 10).await, Ok(Vec::new()));
    assert_eq!(database.build_progress(build).await, progress(1, 3));
    database.begin_indexing(build, version.id).await.expect("begun again");
    assert_eq!(database.build_progress(build).await, progress(0, 0), "what is begun again is not whole");
    database.finish_indexing(build, version.id, 3).await.expect("noted");

    let other = IndexId::new();
    assert_eq!(
        database.begin_indexing(other, version.id).await,
        Err(DbError::NotFound("row that this refers to"))
    );
    assert_eq!(database.unindexed_documents(other, None, 10).await.expect("listed").len(), 1);
    database.abandon_index(build).await.expect("given up");
    database.delete_retired_index(build).await.expect("its rows go with it");
}

async fn only_a_whole_index_takes_over(database: &Database) {
    let collection = handbook(database).await;
    let first = database.begin_index("one", &space("one")).await.expect("begun").id;
    assert_eq!(database.switch_index(first).await, Ok(true));
    let old = begin(database, leave(&collection, "15 days")).await;
    let document = database.publish_version(HOME, old.id, 4).await.expect("published").id;

    let build = database.begin_index("two", &space("two")).await.expect("begun").id;
    assert_eq!(database.switch_index(build).await, Ok(false), "a version is missing");
    database.begin_indexing(build, old.id).await.expect("noted");
    assert_eq!(database.switch_index(build).await, Ok(false), "its chunks may be missing");
    database.finish_indexing(build, old.id, 7).await.expect("noted");
    let new = begin(database, leave(&collection, "16 days")).await;
    database.publish_version(HOME, new.id, 5).await.expect("published");
    database.begin_indexing(build, new.id).await.expect("noted");
    database.finish_indexing(build, new.id, 8).await.expect("noted");
    let leftover = StaleVersion { workspace: HOME, document, version: old.id };
    assert_eq!(database.leftover_versions(build, 10).await, Ok(vec![leftover]));
    assert_eq!(database.switch_index(build).await, Ok(false), "it holds what is not live");
    assert_eq!(live(database).await, Some(first));
    assert_eq!(database.document(HOME, document).await.expect("there").chunk_count, 5);

    database.delete_indexed_version(build, old.id).await.expect("noted");
    database.delete_indexed_version(build, old.id).await.expect("noting it again is no error");
    assert_eq!(database.switch_index(build).await, Ok(true));
    assert_eq!(live(database).await, Some(build));
    let switched = database.document(HOME, document).await.expect("there");
    assert_eq!((switched.live_version, switched.chunk_count), (Some(new.id), 8), "chunks of the new index");
    assert_eq!(database.leftover_versions(build, 10).await, Ok(Vec::new()));
    let pending = begin(database, leave(&collection, "17 days")).await;
    database.publish_version(HOME, pending.id, 9).await.expect("documents come in as ever");
}

async fn of_many_who_begin_one_does(database: &Database) {
    let mut begun = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let database = database.clone();
        begun.spawn(async move { database.begin_index("one", &space("one")).await });
    }
    let outcomes = begun.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(DbError::Conflict(_)))),
        "{outcomes:?}"
    );
}
