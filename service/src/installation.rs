//! Which database a data directory belongs to: an empty database where there was data before is a lost volume or a wrong
//! URL, and to serve it would look as if all was well.
//!
//! Once something was put into the database, its id stands in `installation.json` too. From then on no database is opened
//! here that has another id or has nothing in it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use db::{Database, DbError};
use domain::InstallationId;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// How often a server whose database was empty looks whether it still is.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Why a database is not opened here.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// It is not the one that belongs here.
    #[error(
        "the data directory belongs to the installation {expected}, which has data, but the database that was opened is \
         {found}. Correct database_url or bring the database back; `daedap restore FILE` fills an empty one from a \
         backup; to begin anew here, remove {file}"
    )]
    Another {
        /// The one that belongs here.
        expected: InstallationId,
        /// What was opened.
        found: String,
        /// Where that is written.
        file: PathBuf,
    },
    /// The file is not what was written.
    #[error("{file} cannot be used: {error}")]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Content of the file.
#[derive(Serialize, Deserialize)]
struct Label {
    installation: InstallationId,
}

/// That `db` belongs to `data_dir`, which remembers it if there is anything in it.
///
/// # Errors
/// Any [`InstallationError`].
pub async fn check(data_dir: &Path, db: &Database) -> Result<(), InstallationError> {
    let (id, has_data) = (db.installation().await?, db.has_data().await?);
    let expected = match read(data_dir)? {
        None if has_data => return write(data_dir, id),
        None => return Ok(()),
        Some(label) => label.installation,
    };
    let found = match (id == expected, has_data) {
        (true, true) => return Ok(()),
        (true, false) => "the same and has lost everything".to_owned(),
        (false, true) => format!("of the installation {id}"),
        (false, false) => format!("of the installation {id} and empty"),
    };
    Err(InstallationError::Another { expected, found, file: file(data_dir) })
}

/// Remembers the database as soon as there is anything in it, for a server that began with an empty one.
pub async fn remember(data_dir: PathBuf, db: Database, stop: CancellationToken) {
    while let Ok(None) = read(&data_dir) {
        if let Err(error) = check(&data_dir, &db).await {
            tracing::warn!(%error, "the data directory does not remember its database");
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}

/// Forgets which database belongs here, for who puts another one in its place.
///
/// # Errors
/// `Unusable`.
pub fn forget(data_dir: &Path) -> Result<(), InstallationError> {
    match std::fs::remove_file(file(data_dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(data_dir, error)),
        _ => Ok(()),
    }
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("installation.json")
}

fn unusable(data_dir: &Path, error: io::Error) -> InstallationError {
    InstallationError::Unusable { file: file(data_dir), error }
}

fn read(data_dir: &Path) -> Result<Option<Label>, InstallationError> {
    match std::fs::read(file(data_dir)) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(data_dir, error.into()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(data_dir, error)),
    }
}

fn write(data_dir: &Path, installation: InstallationId) -> Result<(), InstallationError> {
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(data_dir)?;
        let mut unfinished = tempfile::NamedTempFile::new_in(data_dir)?;
        unfinished.write_all(&serde_json::to_vec_pretty(&Label { installation })?)?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(file(data_dir))?;
        std::fs::File::open(data_dir)?.sync_all()
    };
    written().map_err(|error| unusable(data_dir, error))
}
