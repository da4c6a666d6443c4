//! Copies: of one moment, the same in the other dialect, and nothing in the database where they are not what they should be.

use db::{Database, DbError, NewVersion};
use domain::{EmbeddingSpace, TurnState};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;

use crate::conversations::cited;
use crate::{HOME, NEIGHBOUR, ask, begin, handbook, leave, over_both_dialects};

over_both_dialects!(
    a_copy_is_the_same_in_either_dialect,
    a_copy_is_of_one_moment,
    a_snapshot_names_originals_and_live_versions,
    what_is_no_copy_is_refused,
    what_an_older_version_made_is_copied_first,
    exchanges_of_an_older_version_are_paired,
    a_wait_of_a_wrong_clock_is_not_waited_for,
);

/// A database with something in every table that is copied.
async fn fill(database: &Database) {
    database.ensure_workspace(NEIGHBOUR, "이웃").await.expect("a neighbour");
    let collection = handbook(database).await;
    // No decimal has these digits.
    database.set_evidence_threshold(HOME, collection.id, Some(0.1 + 0.2)).await.expect("set");
    let version = begin(database, leave(&collection, "14 days")).await;
    database.publish_version(HOME, version.id, 3).await.expect("published");
    let job = db::NewJob {
        workspace: HOME,
        collection: collection.id,
        source: "new.md".to_owned(),
        content_hash: "hash".to_owned(),
        tags: Some(vec!["인사".to_owned()]),
        dated_at: None,
        forced: false,
    };
    database.enqueue_job(job).await.expect("queued");
    let chat = database.create_conversation(HOME).await.expect("begun").id;
    let answer = ask(database, chat, "연차는\n\"며칠\"인가요? \u{2028}😀").await[1].id;
    let end = cited(database).await;
    database.finish_answer(HOME, answer, end).await.expect("finished");
    database.save_feedback(HOME, answer, true, "").await.expect("said");
    let question = domain::EvalQuestion {
        question: "How many days?".to_owned(),
        history: Vec::new(),
        expected: vec!["leave.md".to_owned()],
        answer: None,
    };
    let question = db::NewEvalQuestion { question, turn: Some(answer) };
    database.add_eval_questions(HOME, collection.id, &[question]).await.expect("added");
    let page = db::WebPage {
        url: "https://example.com/help/".to_owned(),
        etag: Some("\"a\"".to_owned()),
        last_modified: None,
        links: vec!["https://example.com/help/b".to_owned()],
    };
    database.save_web_page(collection.id, "https://example.com/help/", &page).await.expect("noted");
    database.add_eval_run(HOME, collection.id, &json!({}), &json!({ "n": 1 })).await.expect("added");
    let gone =
        begin(database, NewVersion { source: "gone.md".to_owned(), ..leave(&collection, "gone") }).await;
    database.delete_document(HOME, gone.document).await.expect("deleted");
}

/// All rows with their tables, and the schema that they are of.
async fn dump(database: &Database) -> (i64, Vec<(&'static str, String)>) {
    let mut snapshot = database.snapshot().await.expect("every table is copied or left out");
    let schema = snapshot.schema_version().await.expect("asked");
    let mut rows = Vec::new();
    for table in db::backup_tables() {
        let mut found = snapshot.rows(table).await.expect("a table");
        while let Some(row) = found.next().await {
            rows.push((table, row.expect("a row")));
        }
    }
    (schema, rows)
}

async fn load(url: &str, schema: i64, rows: &[(&'static str, String)]) -> Database {
    let mut restoring = Database::begin_restore(url, schema).await.expect("an empty database");
    for (table, row) in rows {
        restoring.load(table, row).await.expect("a row that belongs");
    }
    assert_eq!(restoring.loaded_rows("turns"), 2);
    restoring.commit().await.expect("all of it");
    Database::open(url).await.expect("it opens")
}

/// Rows whose columns have no order: each dialect has its own.
fn by_column<'a>(rows: &'a [(&str, String)]) -> Vec<(&'a str, serde_json::Value)> {
    rows.iter().map(|(table, row)| (*table, serde_json::from_str(row).expect("a row is JSON"))).collect()
}

fn sqlite_in(folder: &tempfile::TempDir) -> String {
    db::sqlite_url(&folder.path().join("copy.db")).expect("a UTF-8 path")
}

async fn a_copy_is_the_same_in_either_dialect(database: &Database) {
    fill(database).await;
    let (schema, rows) = dump(database).await;
    for table in db::backup_tables() {
        assert!(rows.iter().any(|(of, _)| *of == table), "the story puts something into {table}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let urls = [Some(sqlite_in(&folder)), tests::postgres::fresh_database_url()];
    for url in urls.into_iter().flatten() {
        let copy = load(&url, schema, &rows).await;
        let (copied_schema, copied) = dump(&copy).await;
        assert_eq!((copied_schema, by_column(&copied)), (schema, by_column(&rows)));
        let collection = handbook(&copy).await;
        assert_eq!(collection.evidence_threshold, Some(0.1 + 0.2));
        assert_eq!(copy.documents(HOME, collection.id, None, 10).await.expect("listed")[0].chunk_count, 3);
        copy.close().await;
    }
}

async fn a_copy_is_of_one_moment(database: &Database) {
    fill(database).await;
    let before = dump(database).await;
    let mut snapshot = database.snapshot().await.expect("a snapshot");
    let collection = handbook(database).await;
    let version = begin(database, leave(&collection, "17 days")).await;
    database.publish_version(HOME, version.id, 9).await.expect("others write meanwhile");
    database.create_conversation(HOME).await.expect("others write meanwhile");
    let mut rows = Vec::new();
    for table in db::backup_tables() {
        let found: Vec<String> =
            snapshot.rows(table).await.expect("a table").try_collect().await.expect("rows");
        rows.extend(found.into_iter().map(|row| (table, row)));
    }
    drop(snapshot);
    assert_eq!(rows, before.1);
    assert_ne!(dump(database).await, before);
}

async fn a_snapshot_names_originals_and_live_versions(database: &Database) {
    fill(database).await;
    let space = EmbeddingSpace {
        model: "one".to_owned(),
        dimensions: 384,
        query_prefix: String::new(),
        passage_prefix: String::new(),
    };
    let build = database.begin_index("one", &space).await.expect("begun");
    let mut snapshot = database.snapshot().await.expect("a snapshot");
    assert_eq!(snapshot.live_index().await, Ok(None), "what is being built does not answer");
    let hashes: Vec<String> = snapshot.original_hashes().try_collect().await.expect("read");
    assert_eq!(hashes, ["hash", "hash of 14 days", "hash of 15 days"]);
    let live: Vec<db::LiveVersion> = snapshot.live_versions().try_collect().await.expect("read");
    assert_eq!(live.iter().map(|live| (live.workspace, live.chunk_count)).collect::<Vec<_>>(), [(HOME, 3)]);
    drop(snapshot);
    database.abandon_index(build.id).await.expect("given up");
}

async fn what_is_no_copy_is_refused(database: &Database) {
    fill(database).await;
    let (schema, rows) = dump(database).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = sqlite_in(&folder);
    let rejected = |result: Result<(), DbError>, word: &str| {
        assert!(matches!(&result, Err(DbError::Rejected(why)) if why.contains(word)), "{word}: {result:?}");
    };
    let workspace = &rows[0].1;
    let mut restoring = Database::begin_restore(&url, schema).await.expect("an empty database");
    rejected(restoring.load("_sqlx_migrations", "{}").await, "_sqlx_migrations");
    rejected(restoring.load("workspaces; DROP TABLE jobs", "{}").await, "DROP TABLE");
    rejected(restoring.load("workspaces", "[]").await, "not a JSON object");
    rejected(restoring.load("workspaces", &workspace.replace("\"name\"", "\"nick\"")).await, "nick");
    rejected(
        restoring.load("workspaces", &workspace.replace("\"name\":", "\"x\":1,\"name\":")).await,
        "\"x\"",
    );
    rejected(restoring.load("workspaces", r#"{"id":"a","name":7,"created_at":0}"#).await, "wrong kind");
    rejected(restoring.load("workspaces", r#"{"id":"a","name":"b"}"#).await, "created_at");
    restoring.load("workspaces", workspace).await.expect("this one belongs");
    drop(restoring);
    // Nothing of it is there.
    let copy = load(&url, schema, &rows).await;
    copy.close().await;

    let again = Database::begin_restore(&url, schema).await.map(drop);
    assert!(matches!(&again, Err(DbError::Conflict(why)) if why.contains("not empty")), "{again:?}");
    let unknown = Database::begin_restore(&url, 9999).await.map(drop);
    assert!(matches!(&unknown, Err(DbError::Rejected(why)) if why.contains("9999")), "{unknown:?}");
    let older = Database::begin_restore(&url, 1).await.map(drop);
    assert!(matches!(&older, Err(DbError::Conflict(why)) if why.contains("schema")), "{older:?}");
}

/// A database as the version before the installations had an id left it.
async fn older(url: &str, turns: &[String]) {
    let mut restoring = Database::begin_restore(url, 4).await.expect("an empty database");
    let workspace = format!(r#"{{"id":"{HOME}","name":"default","created_at":0}}"#);
    let chat = format!(
        r#"{{"id":"{NEIGHBOUR}","workspace":"{HOME}","title":"연차","created_at":0,"updated_at":0}}"#
    );
    restoring.load("workspaces", &workspace).await.expect("a row that belongs");
    restoring.load("conversations", &chat).await.expect("a row that belongs");
    for turn in turns {
        restoring.load("turns", turn).await.expect("a row that belongs");
    }
    restoring.commit().await.expect("all of it");
}

fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

async fn what_an_older_version_made_is_copied_first(_: &Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copies = folder.path().join("backups");
    for url in [Some(sqlite_in(&folder)), tests::postgres::fresh_database_url()].into_iter().flatten() {
        older(&url, &[]).await;
        // Where no copy can be made, nothing is changed.
        std::fs::write(&copies, "no folder").expect("written");
        let refused = Database::open_and_copy(&url, Some(&copies)).await.map(drop);
        assert!(
            matches!(&refused, Err(DbError::Failed(why)) if why.to_string().contains("nothing was changed")),
            "{refused:?}"
        );
        std::fs::remove_file(&copies).expect("removed");
        for _ in 0..2 {
            let opened = Database::open_and_copy(&url, Some(&copies)).await.expect("it opens");
            assert_eq!(opened.conversations(HOME, 10).await.expect("listed")[0].title, "연차");
            opened.close().await;
            let names = names_in(&copies);
            assert!(names.len() == 1 && names[0].starts_with("before-0005-"), "{names:?}");
        }
        let copy = copies.join(&names_in(&copies)[0]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&copy).expect("there").permissions().mode() & 0o777, 0o600);
        }
        if url.starts_with("sqlite") {
            let url = db::sqlite_url(&copy).expect("a UTF-8 path");
            let opened = Database::open(&url).await.expect("a copy is a database");
            assert_eq!(opened.conversations(HOME, 10).await.expect("listed").len(), 1);
            opened.close().await;
        } else {
            let rows = std::fs::read_to_string(&copy).expect("text");
            assert!(
                rows.lines().any(|row| row.contains(r#""conversations""#) && row.contains("연차")),
                "{rows}"
            );
        }
        std::fs::remove_dir_all(&copies).expect("removed");
    }
}

/// A turn of a version whose answers did not name their question.
fn older_turn(position: u32, state: &str) -> String {
    let role = if position.is_multiple_of(2) { "user" } else { "assistant" };
    let turn = json!({
        "id": uuid::Uuid::from_u128(position.into()).to_string(), "workspace": HOME.to_string(),
        "conversation": NEIGHBOUR.to_string(), "position": position, "role": role, "state": state, "language": "en",
        "abstained": 0, "finish_reason": (role == "assistant" && state != "writing").then_some("stop"),
        "prompt_tokens": null, "cached_tokens": null, "completion_tokens": null, "created_at": 0, "timings_ms": "{}",
        "citations": "[]", "content": format!("turn {position}"),
    });
    turn.to_string()
}

async fn exchanges_of_an_older_version_are_paired(_: &Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for url in [Some(sqlite_in(&folder)), tests::postgres::fresh_database_url()].into_iter().flatten() {
        // Two crashes left an answer in progress each, and a third one a question without an answer.
        let states = ["complete", "complete", "complete", "writing", "complete", "writing", "complete"];
        let turns: Vec<String> =
            (0..).zip(states).map(|(position, state)| older_turn(position, state)).collect();
        older(&url, &turns).await;
        let database = Database::open(&url).await.expect("it opens");
        let turns = database.turns(HOME, domain::ConversationId(NEIGHBOUR.0)).await.expect("kept");
        let states: Vec<TurnState> = turns.iter().map(|turn| turn.state).collect();
        use TurnState::{Complete, Interrupted, Writing};
        assert_eq!(
            states,
            [Complete, Complete, Complete, Interrupted, Complete, Writing, Complete, Interrupted]
        );
        for pair in turns.chunks(2) {
            assert_eq!((pair[0].question, pair[1].question), (None, Some(pair[0].id)));
        }
        assert_eq!(database.interrupt_unfinished_answers().await, Ok(1));
        ask(&database, turns[0].conversation, "And now?").await;
        database.close().await;
    }
}

async fn a_wait_of_a_wrong_clock_is_not_waited_for(database: &Database) {
    fill(database).await;
    let lease = std::time::Duration::from_secs(600);
    let claimed = database.claim_job(lease).await.expect("asked").expect("one waits");
    let why = db::JobError { code: "vectors_unavailable".to_owned(), message: String::new() };
    database.postpone_job(claimed.lease(), lease, why).await.expect("postponed");
    assert_eq!(database.claim_job(lease).await, Ok(None), "its time has not come");
    let (schema, rows) = dump(database).await;
    let in_ten_years = |(table, row): &(&'static str, String)| {
        let mut row: serde_json::Value = serde_json::from_str(row).expect("a row is JSON");
        if *table == "jobs" {
            row["run_at"] = (row["run_at"].as_i64().expect("a time") + 315_360_000_000).into();
        }
        (*table, row.to_string())
    };
    let rows: Vec<(&'static str, String)> = rows.iter().map(in_ten_years).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = load(&sqlite_in(&folder), schema, &rows).await;
    assert_eq!(copy.claim_job(lease).await.expect("asked").map(|job| job.id), Some(claimed.id));
    copy.close().await;
}
