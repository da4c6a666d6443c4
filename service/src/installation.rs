//! Binds a data directory to its database: an empty database where there was data is a lost volume or a wrong URL, and
//! serving it would look as if all was well.
//!
//! Once the database holds data, its id is also written to `installation.json`. From then on a database with another id, or
//! without data, is refused.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use db::{Database, DbError};
use domain::{InstallationId, with_causes};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// How often a server that started with an empty database checks whether it holds data.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// Why a database is refused.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// It is not the one of this data directory.
    #[error(
        "the data directory belongs to the installation {expected}, which has data, but the database is {found}; \
         correct database_url, bring the database back, restore a backup into an empty one with `daedap restore FILE`, \
         or start over by removing `{}`", file.display()
    )]
    Another {
        /// The installation of the data directory.
        expected: InstallationId,
        /// What the database is.
        found: String,
        /// The file that binds the two.
        file: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot use `{}`", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Content of the file.
#[derive(Serialize, Deserialize)]
struct Binding {
    installation: InstallationId,
}

/// Checks that `db` belongs to `data_dir`, and binds the two if the database holds data.
///
/// # Errors
/// Any [`InstallationError`].
pub(crate) async fn check(data_dir: &Path, db: &Database) -> Result<(), InstallationError> {
    let (id, has_data) = (db.installation().await?, db.has_data().await?);
    let expected = match read(data_dir)? {
        None if has_data => return write(data_dir, id),
        None => return Ok(()),
        Some(binding) => binding.installation,
    };
    let found = match (id == expected, has_data) {
        (true, true) => return Ok(()),
        (true, false) => "the same, but has lost everything".to_owned(),
        (false, true) => format!("of the installation {id}"),
        (false, false) => format!("of the installation {id} and empty"),
    };
    Err(InstallationError::Another { expected, found, file: file(data_dir) })
}

/// Binds the database as soon as it holds data, for a server that started with an empty one.
pub(crate) async fn remember(data_dir: PathBuf, db: Database, stop: CancellationToken) {
    while let Ok(None) = read(&data_dir) {
        if let Err(error) = check(&data_dir, &db).await {
            tracing::warn!(error = with_causes(&error), "cannot bind the data directory to its database");
        }
        if stop.run_until_cancelled(tokio::time::sleep(CHECK_EVERY)).await.is_none() {
            return;
        }
    }
}

/// Removes the binding, for a restore that replaces the database.
///
/// # Errors
/// `Unusable`.
pub(crate) fn forget(data_dir: &Path) -> Result<(), InstallationError> {
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

fn read(data_dir: &Path) -> Result<Option<Binding>, InstallationError> {
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
        unfinished.write_all(&serde_json::to_vec_pretty(&Binding { installation })?)?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(file(data_dir))?;
        std::fs::File::open(data_dir)?.sync_all()
    };
    written().map_err(|error| unusable(data_dir, error))
}
