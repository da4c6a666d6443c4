//! One story about the truth, told over every SQL dialect: what holds over SQLite holds over PostgreSQL.
//!
//! Each story is a function over `&Database`; the macro below runs it over a fresh database of each dialect.

mod backup;
mod collections;
mod conversations;
mod erasures;
mod evaluation;
mod indexes;
mod jobs;
mod opening;
mod survival;
mod versions;

use db::{BegunExchange, BegunVersion, Database, NewVersion};
use domain::{Collection, ConversationId, Language, Turn, Version, Visibility, WorkspaceId};
use uuid::Uuid;

/// Runs each named story over a fresh database of each dialect.
macro_rules! over_both_dialects {
    ($($story:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let folder = tempfile::tempdir().expect("a temporary folder");
                    let url = db::sqlite_url(&folder.path().join("daedap.db")).expect("a UTF-8 path");
                    let database = db::Database::open(&url).await.expect("SQLite opens");
                    super::$story(&database).await;
                    database.close().await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let Some(url) = tests::postgres::fresh_database_url() else { return };
                    let database = db::Database::open(&url).await.expect("PostgreSQL opens");
                    super::$story(&database).await;
                    database.close().await;
                }
            )*
        }
    };
}
pub(crate) use over_both_dialects;

const HOME: WorkspaceId = WorkspaceId::DEFAULT;
const NEIGHBOUR: WorkspaceId = WorkspaceId(Uuid::from_u128(2));

async fn handbook(database: &Database) -> Collection {
    database.ensure_collection(HOME, "handbook", Visibility::Private).await.expect("a collection")
}

/// A content of `leave.md` in the collection; the hash is made of the text.
fn leave(collection: &Collection, text: &str) -> NewVersion {
    NewVersion {
        workspace: collection.workspace,
        collection: collection.id,
        source: "leave.md".to_owned(),
        title: format!("Leave: {text}"),
        content_hash: format!("hash of {text}"),
        language: Language::ENGLISH,
        text: text.to_owned(),
        page_starts: Vec::new(),
        tags: Vec::new(),
        dated_at: None,
        force: false,
    }
}

async fn begin(database: &Database, new: NewVersion) -> Version {
    match database.begin_version(new).await.expect("a version is begun") {
        BegunVersion::Pending(version) => version,
        BegunVersion::Unchanged(document) => panic!("{document:?} should have changed"),
    }
}

/// A question, and the beginning of its answer.
async fn ask(database: &Database, chat: ConversationId, question: &str) -> [Turn; 2] {
    let begun = database.begin_exchange(HOME, chat, question, Language::ENGLISH).await;
    match begun.expect("a question can be asked") {
        BegunExchange::Begun { question, answer } => [*question, *answer],
        BegunExchange::Busy => panic!("no answer of the conversation is in progress"),
    }
}
