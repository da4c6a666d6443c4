//! PostgreSQL for tests: every test has a database of its own on the server of this run.

use uuid::Uuid;

use crate::environment;

/// The URL of a database that does not exist yet; `db::Database::open` makes it. `None`, said loudly, when the tests
/// have no server. The server is made for the tests and thrown away with its databases.
///
/// # Panics
///
/// Under CI without a server, and when its address is no URL.
pub fn fresh_database_url() -> Option<String> {
    let server = environment::require_postgres()?;
    let mut url =
        reqwest::Url::parse(&server).unwrap_or_else(|error| panic!("{server:?} is not a URL: {error}"));
    url.set_path(&format!("/daedap_test_{}", Uuid::new_v4().simple()));
    Some(url.into())
}
