//! Children that behave as no parser should: scripts in the place of the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tempfile::TempDir;

use super::*;

/// A script says this first, like a child that is confined, or one that is not.
const GREETING: &str = r#"printf '\016\000\000\000\000\000\000\000{"missing":[]}'"#;
const UNCONFINED: &str = r#"printf '\030\000\000\000\000\000\000\000{"missing":["landlock"]}'"#;

/// An answer: `{"Ok":{"ListedLinks":["a"]}}`.
const ANSWER: &str = r#"printf '\034\000\000\000\000\000\000\000{"Ok":{"ListedLinks":["a"]}}'"#;

/// A pool of one child, which is a script in a folder of its own.
fn pool(script: &str, is_confinement_required: bool) -> (Pool, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("child");
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox/pool/child.sh");
    std::os::unix::fs::symlink(shared, &program).expect("a link");
    let script = format!("echo $$ >> {}\n{script}\n", log(&folder).display());
    fs::write(folder.path().join("script"), script).expect("a script");
    (Pool::new(PoolSettings { program, children: 1, is_confinement_required }), folder)
}

/// The ids of the children that were started, one a line.
fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("started")
}

async fn ask(pool: &Pool, timeout: Duration) -> Answered {
    pool.ask(Request::ListedLinks, Bytes::from_static(b"[a](a)"), timeout).await
}

fn code(answered: &Answered) -> &'static str {
    answered.as_ref().expect_err("an error").code()
}

/// Waits for something that happens soon.
async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < LONG, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const LONG: Duration = Duration::from_secs(60);

fn started(folder: &TempDir) -> Vec<String> {
    fs::read_to_string(log(folder)).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn lives(id: &str) -> bool {
    Path::new("/proc").join(id).exists()
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_and_reaped_when_nobody_waits_any_more() {
    let (pool, folder) = pool("exec /bin/sleep 1000", false);
    let pool = Arc::new(pool);
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { ask(&pool, LONG).await }
    });
    until("the child's start", || started(&folder).len() == 1).await;
    waiting.abort();
    until("the child's end", || !lives(&started(&folder)[0])).await;
    let answered = ask(&pool, Duration::from_millis(100)).await;
    assert_eq!(code(&answered), "too_costly", "the next one has its place, and takes too long");
    until("the end of all", || started(&folder).iter().all(|id| !lives(id))).await;
}

#[tokio::test]
async fn a_child_serves_many_requests_and_dies_with_its_pool() {
    let answers = format!("{GREETING}; {ANSWER}; {ANSWER}; {ANSWER}; exec /bin/cat > /dev/null");
    let (pool, folder) = pool(&answers, true);
    for _ in 0..3 {
        assert_eq!(
            ask(&pool, LONG).await,
            Ok(crate::sandbox::protocol::Answer::ListedLinks(Some(vec!["a".to_owned()])))
        );
    }
    let ids = started(&folder);
    assert_eq!(ids.len(), 1);
    drop(pool);
    until("the child's end", || !lives(&ids[0])).await;
}

#[tokio::test]
async fn an_endless_or_a_senseless_answer_is_cut_off() {
    let endless = format!(r"{GREETING}; printf '\377\377\377\377\000\000\000\000'; exec /bin/cat /dev/zero");
    let (endless, _folder) = pool(&endless, false);
    assert_eq!(code(&ask(&endless, LONG).await), "too_costly");
    let (senseless, _folder) = pool("exec /bin/cat /dev/zero", false);
    assert_eq!(code(&ask(&senseless, LONG).await), "parser_failed");
    let noisy =
        format!("{GREETING}; /bin/head -c 1000000 /dev/zero >&2; {ANSWER}; exec /bin/cat > /dev/null");
    let (noisy, _folder) = pool(&noisy, false);
    assert!(ask(&noisy, LONG).await.is_ok(), "what it says beside its answer is not waited for");
}

#[tokio::test]
async fn a_child_that_dies_is_replaced_and_its_death_explained() {
    let (crashing, folder) = pool("kill -SEGV $$", false);
    for _ in 0..2 {
        assert_eq!(code(&ask(&crashing, LONG).await), "parser_failed");
    }
    assert_eq!(started(&folder).len(), 2);
    let (greedy, _folder) = pool("echo memory allocation of 9 bytes failed >&2; kill -ABRT $$", false);
    assert_eq!(code(&ask(&greedy, LONG).await), "too_costly");
}

#[tokio::test]
async fn a_child_that_is_not_confined_works_only_where_that_is_allowed() {
    let script = format!("{UNCONFINED}; {ANSWER}; exec /bin/cat > /dev/null");
    let (lenient, _folder) = pool(&script, false);
    assert!(ask(&lenient, LONG).await.is_ok());
    let (strict, _folder) = pool(&script, true);
    let refused = ask(&strict, LONG).await;
    assert_eq!(code(&refused), "parser_unavailable");
    assert!(refused.expect_err("an error").to_string().contains("landlock"));
}

#[tokio::test]
async fn a_child_that_cannot_be_started_is_nobodys_fault() {
    let settings =
        PoolSettings { program: "/nonexistent/daedap".into(), children: 1, is_confinement_required: false };
    assert_eq!(code(&ask(&Pool::new(settings), LONG).await), "parser_unavailable");
}
