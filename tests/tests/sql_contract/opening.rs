//! Opening: several at once, again later, and what is refused.

use db::{BegunExchange, Database, DbError, LockAttempt};
use domain::{Language, Role, Visibility};

use crate::conversations::cited;
use crate::{HOME, ask};

async fn open_at_once(url: &str) {
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let url = url.to_owned();
        opening.spawn(async move { Database::open(&url).await.expect("each opens") });
    }
    let mut opened = opening.join_all().await;
    let (one, other) = (opened.pop().expect("one of four"), opened.pop().expect("another of four"));
    let made = one.ensure_collection(HOME, "handbook", Visibility::Public).await.expect("a collection");
    assert_eq!(other.collection(HOME, made.id).await.expect("the same collection"), made);

    write_at_once(&one, &other).await;
    one.close().await;
    assert!(matches!(one.ping().await, Err(DbError::Unavailable(_))), "a closed database does not answer");
    other.ping().await.expect("the other still answers");
    other.close().await;

    let again = Database::open(url).await.expect("it opens again");
    assert_eq!(again.collections(HOME).await.expect("collections"), [made]);
    again.close().await;
}

/// Two handles are as two processes: a server, and a command beside it.
async fn write_at_once(one: &Database, other: &Database) {
    let chat = one.create_conversation(HOME).await.expect("begun").id;
    let [_, answer] = ask(one, chat, "How many days?").await;
    let end = cited(one).await;
    one.finish_answer(HOME, answer.id, end.clone()).await.expect("finished");
    let answer = answer.id;
    let mut writers = tokio::task::JoinSet::new();
    for database in [one.clone(), other.clone()] {
        let end = end.clone();
        writers.spawn(async move {
            for round in 0..60 {
                loop {
                    let begun = database.begin_exchange(HOME, chat, "And now?", Language::ENGLISH).await;
                    if let BegunExchange::Begun { answer, .. } = begun.expect("not locked") {
                        database.finish_answer(HOME, answer.id, end.clone()).await.expect("finished");
                        break;
                    }
                }
                // Reads before it writes.
                database.save_feedback(HOME, answer, round % 2 == 0, "").await.expect("said");
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("neither is told that the database is locked");
    }
    let turns = other.turns(HOME, chat).await.expect("kept");
    assert_eq!(turns.iter().filter(|turn| turn.role == Role::User).count(), 121);
    assert!((0..).zip(&turns).all(|(position, turn)| turn.position == position), "no gap, none twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_open_a_new_sqlite_file_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("한글 폴더 100%?").join("#1.db");
    open_at_once(&db::sqlite_url(&path).expect("a UTF-8 path")).await;
    assert!(path.is_file(), "the file has exactly the name that was given");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_open_a_new_postgres_database_at_once() {
    let Some(url) = tests::postgres::fresh_database_url() else { return };
    open_at_once(&url).await;
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    assert!(matches!(Database::open("mysql://host/name").await, Err(DbError::Rejected(_))));
    assert!(matches!(Database::open("no url").await, Err(DbError::Rejected(_))));
    assert!(matches!(Database::open("sqlite::memory:").await, Err(DbError::Rejected(_))));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "these are notes, ".repeat(1000)).expect("a file");
    let refused = Database::open(&db::sqlite_url(&path).expect("a UTF-8 path")).await;
    assert!(
        matches!(&refused, Err(DbError::Failed(why)) if why.to_string().contains("not a database")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable() {
    // Bound and dropped, so that nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let refused = Database::open(&format!("postgres://daedap:secret@127.0.0.1:{port}/daedap")).await;
    let Err(DbError::Unavailable(why)) = refused else { panic!("nobody is there: {refused:?}") };
    let why = why.to_string();
    assert!(!why.contains("secret"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_on_a_server_has_one_process() {
    let Some(url) = tests::postgres::fresh_database_url() else { return };
    let (one, other) =
        (Database::open(&url).await.expect("opens"), Database::open(&url).await.expect("opens"));
    let attempt = one.lock_for_process("the first").await.expect("asked");
    let LockAttempt::Locked(mut lock) = attempt else { panic!("nobody has it: {attempt:?}") };
    lock.rename("the first, renamed").await.expect("named");
    lock.check().await.expect("it is held");
    let refused = other.lock_for_process("the second").await.expect("asked");
    assert!(
        matches!(&refused, LockAttempt::HeldBy(name) if name.starts_with("the first, renamed from 127")),
        "{refused:?}"
    );
    drop(lock);
    // The server notices the end of a connection within moments, which the attempt waits for.
    let second = other.lock_for_process("the second").await.expect("asked");
    assert!(matches!(second, LockAttempt::Locked(_)), "{second:?}");
    other.close().await;
    one.close().await;
}
