//! Jobs: in order, each to one worker, and not lost with it.

use std::collections::BTreeSet;

use db::{Database, DbError, Job, JobError, JobState, NewJob};
use domain::{CollectionId, JobId};

use crate::{HOME, NEIGHBOUR, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    jobs_come_in_order,
    jobs_carry_tags_and_dates,
    claimers_never_share,
    jobs_outlive_their_process,
);

fn new_job(collection: CollectionId, source: &str) -> NewJob {
    NewJob {
        workspace: HOME,
        collection,
        source: source.to_owned(),
        content_hash: "hash".to_owned(),
        tags: None,
        dated_at: None,
    }
}

async fn enqueue(database: &Database, collection: CollectionId, source: &str) -> Job {
    database.enqueue_job(new_job(collection, source)).await.expect("queued")
}

async fn jobs_come_in_order(database: &Database) {
    let collection = handbook(database).await.id;
    let first = enqueue(database, collection, "하나.md").await;
    let second = enqueue(database, collection, "둘.md").await;
    assert_eq!(
        (first.state, first.attempts, &first.error, first.document),
        (JobState::Queued, 0, &None, None)
    );
    assert_eq!(database.jobs(HOME, 10).await, Ok(vec![second.clone(), first.clone()]), "newest first");
    assert_eq!(database.jobs(HOME, 1).await, Ok(vec![second.clone()]));
    assert_eq!(database.jobs(NEIGHBOUR, 10).await, Ok(Vec::new()));
    assert_eq!(database.job(NEIGHBOUR, first.id).await, Err(DbError::NotFound("job")));

    let claimed = database.claim_job().await.expect("asked").expect("one waits");
    assert_eq!(
        (claimed.id, claimed.state, claimed.attempts),
        (first.id, JobState::Running, 1),
        "oldest first"
    );
    let version = begin(database, leave(&handbook(database).await, "15 days")).await;
    database.complete_job(first.id, version.document).await.expect("done");
    let done = database.job(HOME, first.id).await.expect("kept");
    assert_eq!((done.state, done.document), (JobState::Done, Some(version.document)));
    assert!(done.updated_at >= first.updated_at);

    let claimed = database.claim_job().await.expect("asked").expect("one waits");
    assert_eq!(claimed.id, second.id);
    let why = JobError { code: "unreadable".to_owned(), message: "깨진 파일\0".to_owned() };
    database.fail_job(second.id, why).await.expect("failed");
    let failed = database.job(HOME, second.id).await.expect("kept");
    let kept = JobError { code: "unreadable".to_owned(), message: "깨진 파일\u{fffd}".to_owned() };
    assert_eq!((failed.state, failed.error), (JobState::Failed, Some(kept)));

    assert_eq!(database.claim_job().await, Ok(None));
    let twice = database.complete_job(first.id, version.document).await;
    assert!(matches!(twice, Err(DbError::Conflict(_))), "{twice:?}");
    assert_eq!(database.complete_job(JobId::new(), version.document).await, Err(DbError::NotFound("job")));
    let nowhere = new_job(CollectionId::derive(HOME, "nowhere"), "a.md");
    assert_eq!(database.enqueue_job(nowhere).await, Err(DbError::NotFound("collection")));
}

async fn jobs_carry_tags_and_dates(database: &Database) {
    let collection = handbook(database).await.id;
    for (tags, dated_at) in [
        (None, None),
        (Some(Vec::new()), None),
        (
            Some(vec!["hr".to_owned(), "인사 \"규정\"".to_owned()]),
            Some("1969-12-31T23:59:59.5Z".parse().expect("a time")),
        ),
    ] {
        let new = NewJob { tags: tags.clone(), dated_at, ..new_job(collection, "a.md") };
        database.enqueue_job(new).await.expect("queued");
        let claimed = database.claim_job().await.expect("asked").expect("one waits");
        assert_eq!((claimed.tags, claimed.dated_at), (tags, dated_at), "`None` is not the same as none");
    }
}

async fn claimers_never_share(database: &Database) {
    let collection = handbook(database).await.id;
    let mut queued = BTreeSet::new();
    for number in 0..40 {
        queued.insert(enqueue(database, collection, &format!("{number}.md")).await.id);
    }
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let database = database.clone();
        claimers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(job) = database.claim_job().await.expect("asked") {
                claimed.push(job.id);
            }
            claimed
        });
    }
    let claimed: Vec<JobId> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 40, "none twice");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), queued, "none left");
}

async fn jobs_outlive_their_process(database: &Database) {
    let collection = handbook(database).await.id;
    let job = enqueue(database, collection, "deadly.md").await;
    let waiting = enqueue(database, collection, "harmless.md").await;
    for attempt in 1..=3 {
        let claimed = database.claim_job().await.expect("asked").expect("it waits");
        assert_eq!((claimed.id, claimed.attempts), (job.id, attempt), "it keeps its place");
        let requeued = database.requeue_running_jobs().await.expect("requeued");
        assert_eq!(requeued, u64::from(attempt < 3));
    }
    let given_up = database.job(HOME, job.id).await.expect("kept");
    assert_eq!(given_up.state, JobState::Failed, "what kills the process three times is not tried again");
    assert_eq!(given_up.error.expect("a reason").code, "crashed");
    assert_eq!(database.claim_job().await.expect("asked").map(|job| job.id), Some(waiting.id));
}
