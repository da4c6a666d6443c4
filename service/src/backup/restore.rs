//! Restores a backup into an empty installation: SQL and originals, then the points into a new index.
//!
//! Nothing is written before the whole file was checked. The rows are one transaction, which ends when the originals are
//! kept: until then the database is empty, and the restore can be repeated. After it only the index can be missing, which
//! `daedap reindex` builds from the stored texts.
//!
//! The data directory may hold the file of deleted documents. Those that were deleted after the backup was made are deleted
//! again.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use db::{Database, Restore};
use domain::with_causes;
use futures::stream;
use ingest::{Erasures, FailedSource, Finding, ImportPoints, Originals, Reindex};
use serde::Serialize;
use tokio::sync::mpsc;

use super::format::{Amounts, ArchivedIndex, Part, check, for_each_entry};
use crate::app::App;
use crate::config::Config;
use crate::stores::{database_url, open_originals};
use crate::{doctor, installation};

/// Entries read ahead.
const ENTRIES_AHEAD: usize = 2;

/// What was restored.
#[derive(Debug, Default, Serialize)]
pub struct RestoreReport {
    /// Rows of all tables.
    pub rows: u64,
    /// Originals.
    pub originals: u64,
    /// Points imported.
    pub points: u64,
    /// Documents without points in the backup, which were embedded again.
    pub embedded_again: u64,
    /// Why there is no index yet; `daedap reindex` builds it.
    pub reindex: Option<String>,
    /// Documents that are not in the index, and why.
    pub failed: Vec<FailedSource>,
    /// What the check afterwards finds.
    pub findings: Vec<Finding>,
}

impl RestoreReport {
    /// Whether everything was restored.
    pub fn is_complete(&self) -> bool {
        self.reindex.is_none() && self.failed.is_empty() && self.findings.is_empty()
    }
}

type Entries = mpsc::Receiver<(Part, Vec<u8>)>;

/// Restores the backup `file` into the installation that `config` describes, which must be empty and locked by this process.
pub async fn restore(config: &Config, file: &Path) -> Result<RestoreReport> {
    let path = file.to_owned();
    let (manifest, amounts) = tokio::task::spawn_blocking(move || check(&path)).await??;
    let restoring = Database::begin_restore(&database_url(config)?, manifest.schema)
        .await
        .context("nothing was restored; move the existing data away, or name another --data-dir")?;
    let mut entries = entries(file);
    let first_points = load(restoring, &mut entries, &open_originals(config)?, &amounts).await?;
    // The restored database takes the place of the one that the data directory was bound to.
    installation::forget(&config.data_dir)?;
    let mut report = RestoreReport {
        rows: amounts.rows.values().sum(),
        originals: amounts.originals,
        ..RestoreReport::default()
    };
    let Some(index) = manifest.index else { return Ok(report) };
    let points = Points { first: first_points, entries };
    if let Err(error) = import_points(config, &index, points, &mut report).await {
        report.reindex = Some(with_causes(&*error));
    }
    Ok(report)
}

/// Reads the entries of the backup on a thread of its own.
fn entries(file: &Path) -> Entries {
    let (sender, entries) = mpsc::channel(ENTRIES_AHEAD);
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let read = for_each_entry(&file, |part, bytes| match sender.blocking_send((part, bytes)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        if let Err(error) = read {
            // It was complete a moment ago; the loader counts what arrives.
            tracing::warn!(%error, "cannot read the backup to its end");
        }
    });
    entries
}

/// Loads rows and originals. Returns the first points, whose arrival is the end of both.
async fn load(
    mut restoring: Restore,
    entries: &mut Entries,
    originals: &Originals,
    amounts: &Amounts,
) -> Result<Option<Vec<u8>>> {
    let mut kept = 0;
    let mut points = None;
    while let Some((part, bytes)) = entries.recv().await {
        match part {
            Part::Rows(table) => load_rows(&mut restoring, table, &bytes).await?,
            Part::Original(hash) => {
                keep(originals, &hash, bytes).await?;
                kept += 1;
            }
            Part::Points => {
                points = Some(bytes);
                break;
            }
        }
    }
    let loaded = |table: &str| restoring.loaded_rows(table);
    let complete =
        amounts.rows.iter().all(|(table, rows)| loaded(table) == *rows) && kept == amounts.originals;
    ensure!(complete, "the backup changed while it was read; nothing was restored");
    restoring.commit().await?;
    Ok(points)
}

async fn load_rows(restoring: &mut Restore, table: &str, lines: &[u8]) -> Result<()> {
    let lines = std::str::from_utf8(lines).with_context(|| format!("rows of `{table}` are not text"))?;
    for line in lines.lines() {
        restoring.load(table, line).await.context("nothing was restored")?;
    }
    Ok(())
}

async fn keep(originals: &Originals, hash: &str, bytes: Vec<u8>) -> Result<()> {
    let length = bytes.len() as u64;
    let pieces = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let kept = originals.keep(pieces, length).await.context("nothing was restored")?;
    ensure!(
        kept.hash() == hash,
        "the bytes of the original `{hash}` do not match its hash; nothing was restored"
    );
    Ok(())
}

/// The points of the backup, in order.
struct Points {
    first: Option<Vec<u8>>,
    entries: Entries,
}

impl Points {
    async fn next(&mut self) -> Option<Vec<u8>> {
        match self.first.take() {
            Some(first) => Some(first),
            None => self.entries.recv().await.map(|(_, bytes)| bytes),
        }
    }
}

async fn import_points(
    config: &Config,
    archived: &ArchivedIndex,
    mut points: Points,
    report: &mut RestoreReport,
) -> Result<()> {
    // The settings decide which embedder opens the index; without any, the one that it was built with.
    let asked = Some(archived.embedder.as_str()).filter(|_| config.embedder.model.is_empty());
    let app = App::open(config.clone()).await?;
    let (knowledge, build) = app.open_to_build(asked).await?;
    if *build.index.embedder.space() != archived.space {
        bail!("the points of the backup were made with another embedder, `{}`", archived.embedder);
    }
    let mut import = ImportPoints::new(&knowledge.ingest, &build);
    while let Some(lines) = points.next().await {
        let parsed: Result<Vec<_>, _> = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect();
        import.import(parsed.context("cannot read the points of the backup")?).await?;
    }
    report.points = import.finish().await?;
    let progress = knowledge.db.build_progress(build.id).await?;
    report.embedded_again = progress.documents - progress.indexed;
    let built = Reindex::new(&knowledge.ingest).run(&build, |_| ()).await?;
    report.failed = built.failed;
    knowledge.indexes.remove_retired().await?;
    // Opening deleted the rows of documents that were deleted after the backup was made; their originals are still here.
    Erasures::new(&knowledge.ingest).finish().await?;
    report.findings = doctor::check_open(&knowledge, false).await?.findings;
    app.close().await;
    Ok(())
}
