//! What was acknowledged survives `kill -9`: a second process writes as fast as it can and is killed in the middle.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::str::FromStr as _;

use db::{BegunVersion, Database};
use domain::{ConversationId, DocumentId, VersionId, VersionState, Visibility};

use crate::conversations::interrupted;
use crate::{HOME, ask, handbook, leave};

const CHILD: &str = "survival::the_process_that_is_killed";
const URL_VARIABLE: &str = "DAEDAP_TEST_KILLED_URL";
const ACKNOWLEDGED_BEFORE_THE_KILL: usize = 60;

#[tokio::test]
async fn sqlite_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    survives_kill_9(&db::sqlite_url(&folder.path().join("daedap.db")).expect("a UTF-8 path")).await;
}

#[tokio::test]
async fn postgres_survives_kill_9_of_its_client() {
    let Some(url) = tests::postgres::fresh_database_url() else { return };
    survives_kill_9(&url).await;
}

/// Not a test by itself: writes until it is killed, and says what was acknowledged.
#[tokio::test]
#[ignore = "started, and killed, by the tests above"]
async fn the_process_that_is_killed() {
    let url = std::env::var(URL_VARIABLE).expect("the parent sets it");
    let database = Database::open(&url).await.expect("it opens");
    let collection = database.ensure_collection(HOME, "handbook", Visibility::Private).await.expect("made");
    let chat = database.create_conversation(HOME).await.expect("begun").id;
    for round in 0.. {
        let [question, answer] = ask(&database, chat, "Still alive?").await;
        println!("question {chat} {}", question.position);
        let end = interrupted();
        database.finish_answer(HOME, answer.id, end).await.expect("finished");
        let new = leave(&collection, &format!("round {round}"));
        let begun = database.begin_version(new).await.expect("begun");
        let BegunVersion::Pending(version) = begun else { panic!("every round has another text") };
        println!("begun {} {}", version.document, version.id);
        database.publish_version(HOME, version.id, round).await.expect("published");
        println!("live {} {}", version.document, version.id);
    }
}

async fn survives_kill_9(url: &str) {
    let acknowledged = write_and_be_killed(url);
    let database = Database::open(url).await.expect("it opens after the kill");
    let (mut asked, mut begun, mut live) = (None, None, None);
    for line in &acknowledged {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["question", chat, position] => {
                asked = Some((chat, position.parse::<u32>().expect("a position")));
            }
            ["begun", _, version] => begun = Some(VersionId::from_str(version).expect("an id")),
            ["live", document, version] => {
                live = Some((document, VersionId::from_str(version).expect("an id")));
            }
            _ => panic!("unknown line {line}"),
        }
    }

    let (chat, last_position) = asked.expect("a question was asked");
    let turns = database.turns(HOME, ConversationId::from_str(chat).expect("an id")).await.expect("kept");
    assert!(
        turns.last().is_some_and(|turn| turn.position >= last_position),
        "every acknowledged question is there"
    );
    assert!((0..).zip(&turns).all(|(position, turn)| turn.position == position), "without gaps");

    let begun = database.version(HOME, begun.expect("a version was begun")).await.expect("kept");
    assert!(!begun.text.is_empty());
    let (document, published) = live.expect("a version was published");
    let document = DocumentId::from_str(document).expect("an id");
    let published = database.version(HOME, published).await.expect("kept");
    let answering = database.document(HOME, document).await.expect("kept");
    assert!(answering.version_number >= published.number, "an acknowledged flip is not undone");
    // Whatever the kill cut off, there is one live version, and the work goes on from where it was.
    let live = answering.live_version.expect("one answers");
    assert_eq!(database.version(HOME, live).await.expect("kept").state, VersionState::Live);
    let again = leave(&handbook(&database).await, "after the kill");
    let BegunVersion::Pending(next) = database.begin_version(again).await.expect("begun") else {
        panic!("the text is new")
    };
    let published = database.publish_version(HOME, next.id, 1).await.expect("published");
    assert_eq!(published.live_version, Some(next.id));
    database.close().await;
}

/// Starts the writing process, kills it after some acknowledgements, and gives all that it said.
fn write_and_be_killed(url: &str) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(URL_VARIABLE, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let said = |line: &String| ["question ", "begun ", "live "].iter().any(|word| line.starts_with(word));
    let mut acknowledged: Vec<String> =
        lines.by_ref().filter(said).take(ACKNOWLEDGED_BEFORE_THE_KILL).collect();
    child.kill().expect("killed");
    child.wait().expect("dead");
    acknowledged.extend(lines.filter(said).filter(|line| line.split(' ').count() == 3));
    assert!(
        acknowledged.len() >= ACKNOWLEDGED_BEFORE_THE_KILL,
        "it wrote until it was killed: {acknowledged:?}"
    );
    acknowledged
}
