//! Jobs: in order, each to one worker, and not lost with it.

use std::collections::BTreeSet;
use std::time::Duration;

use db::{Database, DbError, Job, JobError, JobFilter, JobState, NewJob};
use domain::{CollectionId, IngestStage, JobId};

use crate::{HOME, NEIGHBOUR, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    jobs_come_in_order,
    jobs_carry_tags_and_dates,
    claimers_never_share,
    jobs_outlive_their_process,
    jobs_of_one_source_are_done_one_after_the_other,
    a_lease_that_is_over_changes_nothing,
    jobs_are_put_off_and_tried_again,
    jobs_are_cancelled_in_whatever_state,
    jobs_are_listed_by_state_and_page,
    the_documents_of_an_archive_have_jobs,
);

fn new_job(collection: CollectionId, source: &str) -> NewJob {
    NewJob {
        workspace: HOME,
        collection,
        source: source.to_owned(),
        content_hash: "hash".to_owned(),
        tags: None,
        dated_at: None,
        forced: false,
    }
}

/// Longer than any test.
const LEASE: Duration = Duration::from_secs(600);

async fn claim(database: &Database) -> Option<Job> {
    database.claim_job(LEASE).await.expect("asked")
}

fn conflict<T: std::fmt::Debug>(result: &Result<T, DbError>) -> bool {
    matches!(result, Err(DbError::Conflict(_)))
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
    assert_eq!(
        database.jobs(HOME, JobFilter::default(), 10).await,
        Ok(vec![second.clone(), first.clone()]),
        "newest first"
    );
    assert_eq!(database.jobs(HOME, JobFilter::default(), 1).await, Ok(vec![second.clone()]));
    assert_eq!(database.jobs(NEIGHBOUR, JobFilter::default(), 10).await, Ok(Vec::new()));
    assert_eq!(database.job(NEIGHBOUR, first.id).await, Err(DbError::NotFound("job")));

    let claimed = claim(database).await.expect("one waits");
    assert_eq!(
        (claimed.id, claimed.state, claimed.attempts),
        (first.id, JobState::Running, 1),
        "oldest first"
    );
    let version = begin(database, leave(&handbook(database).await, "15 days")).await;
    let held = claimed.lease();
    database.complete_job(held, version.document).await.expect("done");
    let done = database.job(HOME, first.id).await.expect("kept");
    assert_eq!((done.state, done.document), (JobState::Succeeded, Some(version.document)));
    assert!(done.updated_at >= first.updated_at);

    let claimed = claim(database).await.expect("one waits");
    assert_eq!(claimed.id, second.id);
    let why = JobError { code: "unreadable".to_owned(), message: "깨진 파일\0".to_owned() };
    database.fail_job(claimed.lease(), why).await.expect("failed");
    let failed = database.job(HOME, second.id).await.expect("kept");
    let kept = JobError { code: "unreadable".to_owned(), message: "깨진 파일\u{fffd}".to_owned() };
    assert_eq!((failed.state, failed.error), (JobState::Failed, Some(kept)));

    assert_eq!(claim(database).await, None);
    let twice = database.complete_job(held, version.document).await;
    assert!(conflict(&twice), "{twice:?}");
    let nowhere = new_job(CollectionId::derive(HOME, "nowhere"), "a.md");
    assert_eq!(database.enqueue_job(nowhere).await, Err(DbError::NotFound("collection")));
}

async fn jobs_carry_tags_and_dates(database: &Database) {
    let collection = handbook(database).await.id;
    for (source, (tags, dated_at)) in ["a.md", "b.md", "c.md"].into_iter().zip([
        (None, None),
        (Some(Vec::new()), None),
        (
            Some(vec!["hr".to_owned(), "인사 \"규정\"".to_owned()]),
            Some("1969-12-31T23:59:59.5Z".parse().expect("a time")),
        ),
    ]) {
        let new = NewJob { tags: tags.clone(), dated_at, ..new_job(collection, source) };
        database.enqueue_job(new).await.expect("queued");
        let claimed = claim(database).await.expect("one waits");
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
            while let Some(job) = claim(&database).await {
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
        let claimed = claim(database).await.expect("it waits");
        assert_eq!((claimed.id, claimed.attempts), (job.id, attempt), "it keeps its place");
        let requeued = database.requeue_running_jobs().await.expect("requeued");
        assert_eq!(requeued, u64::from(attempt < 3));
    }
    let given_up = database.job(HOME, job.id).await.expect("kept");
    assert_eq!(given_up.state, JobState::Failed, "what kills the process three times is not tried again");
    assert_eq!(given_up.error.expect("a reason").code, "crashed");
    assert_eq!(claim(database).await.map(|job| job.id), Some(waiting.id));
}

async fn jobs_of_one_source_are_done_one_after_the_other(database: &Database) {
    let collection = handbook(database).await.id;
    let first = enqueue(database, collection, "휴가.md").await;
    let second = enqueue(database, collection, "휴가.md").await;
    let other = enqueue(database, collection, "출장.md").await;
    let running = claim(database).await.expect("one waits");
    assert_eq!(running.id, first.id);
    assert_eq!(claim(database).await.map(|job| job.id), Some(other.id), "the second waits for the first");
    assert_eq!(claim(database).await, None);
    let why = JobError { code: "vectors_unavailable".to_owned(), message: String::new() };
    database.postpone_job(running.lease(), LEASE, why).await.expect("postponed");
    assert_eq!(claim(database).await, None, "also while the first is postponed");
    database.cancel_job(HOME, first.id).await.expect("cancelled");
    assert_eq!(claim(database).await.map(|job| job.id), Some(second.id));
}

async fn a_lease_that_is_over_changes_nothing(database: &Database) {
    let collection = handbook(database).await.id;
    let document = begin(database, leave(&handbook(database).await, "15 days")).await.document;
    let job = enqueue(database, collection, "slow.md").await;
    let slow = database.claim_job(Duration::ZERO).await.expect("asked").expect("one waits");
    let reading = IngestStage::Parsing;
    database.renew_job(slow.lease(), Duration::ZERO, reading).await.expect("still its own");
    // The clock counts milliseconds, and a lease is over when its end has passed.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let fast = claim(database).await.expect("nobody works on it any more");
    assert_eq!((fast.id, fast.attempts), (job.id, 2));
    let embedding = IngestStage::Embedding { done: 3, total: 9 };
    database.renew_job(fast.lease(), LEASE, embedding).await.expect("its own");
    let why = || JobError { code: "late".to_owned(), message: "late".to_owned() };
    assert!(conflict(&database.renew_job(slow.lease(), LEASE, reading).await));
    assert!(conflict(&database.complete_job(slow.lease(), document).await));
    assert!(conflict(&database.fail_job(slow.lease(), why()).await));
    assert!(conflict(&database.postpone_job(slow.lease(), LEASE, why()).await));
    assert!(conflict(&database.release_job(slow.lease()).await));
    let untouched = database.job(HOME, job.id).await.expect("kept");
    assert_eq!((untouched.state, untouched.progress), (JobState::Running, Some(embedding)));
    database.release_job(fast.lease()).await.expect("given back");
    let again = claim(database).await.expect("at once");
    assert_eq!((again.id, again.progress, again.error), (job.id, None, None));
}

async fn jobs_are_put_off_and_tried_again(database: &Database) {
    let collection = handbook(database).await.id;
    let job = enqueue(database, collection, "unlucky.md").await;
    let held = claim(database).await.expect("one waits").lease();
    let why = JobError { code: "vectors_unavailable".to_owned(), message: "connection refused".to_owned() };
    database.postpone_job(held, LEASE, why.clone()).await.expect("postponed");
    let waiting = database.job(HOME, job.id).await.expect("kept");
    assert_eq!((waiting.state, waiting.retries, waiting.error.as_ref()), (JobState::Queued, 1, Some(&why)));
    assert!(waiting.run_at > waiting.updated_at);
    assert_eq!(claim(database).await, None, "its time has not come");
    assert!(conflict(&database.retry_job(HOME, job.id).await), "it waits already");
    database.cancel_job(HOME, job.id).await.expect("cancelled");
    let again = database.retry_job(HOME, job.id).await.expect("queued again");
    assert_eq!((again.state, again.retries, again.error), (JobState::Queued, 0, None));
    let held = claim(database).await.expect("at once").lease();
    database.fail_job(held, why).await.expect("failed");
    assert_eq!(database.retry_job(NEIGHBOUR, job.id).await, Err(DbError::NotFound("job")));
    database.retry_job(HOME, job.id).await.expect("queued again");
    assert_eq!(claim(database).await.map(|job| job.error), Some(None));
}

async fn jobs_are_cancelled_in_whatever_state(database: &Database) {
    let collection = handbook(database).await.id;
    let job = enqueue(database, collection, "a.md").await;
    assert_eq!(database.cancel_job(NEIGHBOUR, job.id).await, Err(DbError::NotFound("job")));
    assert_eq!(database.cancel_job(HOME, job.id).await.expect("cancelled").state, JobState::Cancelled);
    assert!(conflict(&database.cancel_job(HOME, job.id).await));
    assert_eq!(claim(database).await, None);
    enqueue(database, collection, "b.md").await;
    let running = claim(database).await.expect("one waits");
    database.cancel_job(HOME, running.id).await.expect("cancelled");
    assert!(conflict(&database.renew_job(running.lease(), LEASE, IngestStage::Parsing).await));
    enqueue(database, collection, "c.md").await;
    let running = claim(database).await.expect("one waits");
    database.delete_collection(HOME, collection).await.expect("deleted");
    assert_eq!(database.job(HOME, running.id).await.expect("kept").state, JobState::Cancelled);
}

async fn jobs_are_listed_by_state_and_page(database: &Database) {
    let collection = handbook(database).await.id;
    let mut queued = Vec::new();
    for number in 0..5 {
        queued.push(enqueue(database, collection, &format!("{number}.md")).await.id);
    }
    let running = claim(database).await.expect("one waits").id;
    let list = async |filter: JobFilter, limit| -> Vec<JobId> {
        let jobs = database.jobs(HOME, filter, limit).await.expect("listed");
        jobs.into_iter().map(|job| job.id).collect()
    };
    let state = |state| JobFilter { state: Some(state), ..JobFilter::default() };
    assert_eq!(list(state(JobState::Running), 9).await, [running]);
    let newest = list(state(JobState::Queued), 2).await;
    assert_eq!(newest, [queued[4], queued[3]]);
    let next = JobFilter { before: Some(newest[1]), ..state(JobState::Queued) };
    assert_eq!(list(next, 9).await, [queued[2], queued[1]]);
}

async fn the_documents_of_an_archive_have_jobs(database: &Database) {
    let collection = handbook(database).await.id;
    let new = NewJob { tags: Some(vec!["hr".to_owned()]), ..new_job(collection, "all.zip") };
    database.enqueue_job(new).await.expect("queued");
    let archive = claim(database).await.expect("one waits");
    let damaged = JobError { code: "parser_failed".to_owned(), message: "a \0 in it".to_owned() };
    let members =
        [("all.zip/a.md".to_owned(), Ok("hash of a".to_owned())), ("all.zip/b.md".to_owned(), Err(damaged))];
    database.complete_archive_job(&archive, &members).await.expect("ended");
    assert!(conflict(&database.complete_archive_job(&archive, &members).await), "once");

    let ended = database.job(HOME, archive.id).await.expect("there");
    assert_eq!((ended.state, ended.document), (JobState::Succeeded, None));
    let filter = JobFilter { parent: Some(archive.id), ..JobFilter::default() };
    let jobs = database.jobs(HOME, filter, 9).await.expect("listed");
    assert!(jobs.iter().all(|job| job.parent == Some(archive.id) && job.tags == archive.tags));
    let bad = jobs.iter().find(|job| job.source == "all.zip/b.md").expect("listed");
    assert_eq!(
        (bad.state, bad.error.as_ref().map(|error| error.code.as_str())),
        (JobState::Failed, Some("parser_failed"))
    );
    let good = claim(database).await.expect("one waits");
    assert_eq!((good.source.as_str(), good.content_hash.as_str()), ("all.zip/a.md", "hash of a"));
    assert_eq!(claim(database).await, None);
}
