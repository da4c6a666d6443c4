//! Opens what the settings say holds the data: SQL and originals.

use anyhow::{Context, Result};
use db::Database;
use ingest::{Originals, TombstoneFile};

use crate::config::Config;
use crate::installation;

/// Opens SQL. Only a database that belongs to the data directory is opened.
pub async fn open_database(config: &Config) -> Result<Database> {
    let copies = config.data_dir.join("backups");
    let db = Database::open_and_copy(&database_url(config)?, Some(&copies)).await;
    let db = db.context("the database cannot be opened")?;
    installation::check(&config.data_dir, &db).await?;
    let replayed = tombstone_file(config).replay(&db).await?;
    if replayed > 0 {
        tracing::info!(
            documents = replayed,
            "deleted documents again that were deleted after the backup was made"
        );
    }
    Ok(db)
}

/// The file of deleted documents; no backup and no other database replaces it.
pub(crate) fn tombstone_file(config: &Config) -> TombstoneFile {
    TombstoneFile::new(config.data_dir.join("erasures.jsonl"))
}

/// Opens the store of source bytes: a folder, or a bucket.
pub(crate) fn open_originals(config: &Config) -> Result<Originals> {
    Ok(match config.originals_url.expose() {
        "" => Originals::in_folder(&config.data_dir.join("originals"))?,
        url => Originals::in_bucket(url)?,
    })
}

pub(crate) fn database_url(config: &Config) -> Result<String> {
    if config.database_url.is_empty() {
        Ok(db::sqlite_url(&config.data_dir.join("daedap.db"))?)
    } else {
        Ok(config.database_url.expose().to_owned())
    }
}
