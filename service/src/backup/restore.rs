//! A backup into an empty installation: SQL and originals, then the points into an index of their own.
//!
//! Nothing is written before the whole archive was checked. The rows are one transaction, which ends when the originals are
//! there: until then the database is empty, and the restore can be done again. After it only the index can be missing,
//! which `daedap reindex` builds from the texts.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use db::{Database, Restoring};
use futures::stream;
use ingest::{FailedSource, Finding, Originals, PutBack};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::app::{KnowledgeBase, database_url, doctor, open_originals};
use crate::archive::{self, Amounts, ArchivedIndex, Part};
use crate::config::Config;
use crate::installation;
use crate::model_files::ModelFiles;

/// Entries read ahead.
const WAITING_ENTRIES: usize = 2;

/// What was restored.
#[derive(Debug, Default, Serialize)]
pub struct RestoreReport {
    /// Rows of all tables.
    pub rows: u64,
    /// Source bytes.
    pub originals: u64,
    /// Points that were put back.
    pub points: u64,
    /// Documents whose points were not in the backup, and were made again.
    pub embedded_again: u64,
    /// Why there is no index yet; `daedap reindex` builds it.
    pub reindex: Option<String>,
    /// Documents that are not in the index, and why.
    pub failed: Vec<FailedSource>,
    /// What the doctor finds afterwards.
    pub findings: Vec<Finding>,
}

impl RestoreReport {
    /// Whether everything is there and answers.
    pub fn is_whole(&self) -> bool {
        self.reindex.is_none() && self.failed.is_empty() && self.findings.is_empty()
    }
}

type Entries = mpsc::Receiver<(Part, Vec<u8>)>;

/// Restores the archive `file` into the installation that `config` means, which must be empty and ours.
pub async fn restore(config: &Config, file: &Path) -> Result<RestoreReport> {
    let path = file.to_owned();
    let (manifest, amounts) = tokio::task::spawn_blocking(move || archive::check(&path)).await??;
    let restoring = Database::begin_restore(&database_url(config)?, manifest.schema)
        .await
        .context("nothing was restored; move away what is there, or name another --data-dir")?;
    let mut entries = entries(file);
    let first_points = load(restoring, &mut entries, &open_originals(config)?, &amounts).await?;
    // What belonged here before is gone, and this takes its place.
    installation::forget(&config.data_dir)?;
    let mut report = RestoreReport {
        rows: amounts.rows.values().sum(),
        originals: amounts.originals,
        ..RestoreReport::default()
    };
    let Some(index) = manifest.index else { return Ok(report) };
    let points = Points { first: first_points, entries };
    if let Err(error) = put_back(config, &index, points, &mut report).await {
        report.reindex = Some(format!("{error:#}"));
    }
    Ok(report)
}

/// The entries of the archive, read by a thread of its own.
fn entries(file: &Path) -> Entries {
    let (sender, entries) = mpsc::channel(WAITING_ENTRIES);
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let read = archive::for_each_entry(&file, |part, bytes| match sender.blocking_send((part, bytes)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        if let Err(error) = read {
            // It was whole a moment ago. Who loads it counts what comes.
            tracing::warn!(%error, "the backup was not read to its end");
        }
    });
    entries
}

/// Loads rows and originals. Gives back the first points, which is how it learns that there are no more of them.
async fn load(
    mut restoring: Restoring,
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
    let loaded = |table: &str| restoring.loaded(table);
    let complete =
        amounts.rows.iter().all(|(table, rows)| loaded(table) == *rows) && kept == amounts.originals;
    ensure!(complete, "the backup changed while it was read; nothing was restored");
    restoring.commit().await?;
    Ok(points)
}

async fn load_rows(restoring: &mut Restoring, table: &str, lines: &[u8]) -> Result<()> {
    let lines = std::str::from_utf8(lines).with_context(|| format!("rows of {table} are no text"))?;
    for line in lines.lines() {
        restoring.load(table, line).await.context("nothing was restored")?;
    }
    Ok(())
}

async fn keep(originals: &Originals, hash: &str, bytes: Vec<u8>) -> Result<()> {
    let length = bytes.len() as u64;
    let pieces = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let kept = originals.keep(pieces, length).await.context("nothing was restored")?;
    ensure!(kept == hash, "the original {hash} has other bytes; nothing was restored");
    Ok(())
}

/// The points of the archive, in order.
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

async fn put_back(
    config: &Config,
    archived: &ArchivedIndex,
    mut points: Points,
    report: &mut RestoreReport,
) -> Result<()> {
    // The settings decide which embedder opens the index; without any, the one that it was made with.
    let asked = Some(archived.embedder.as_str()).filter(|_| config.embedder.model.is_empty());
    let models = ModelFiles::find(config, None)?;
    let (knowledge, build) = KnowledgeBase::open_to_build(config, models, asked).await?;
    if *build.index.embedder.space() != archived.space {
        bail!("the points of the backup were made with another embedder, {}", archived.embedder);
    }
    let mut putting = PutBack::new(&knowledge.pipeline, &build);
    while let Some(lines) = points.next().await {
        let parsed: Result<Vec<_>, _> = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect();
        putting.take(parsed.context("the points of the backup cannot be read")?).await?;
    }
    report.points = putting.finish().await?;
    let progress = knowledge.db.build_progress(build.id).await?;
    report.embedded_again = progress.documents - progress.indexed;
    let built = knowledge.pipeline.reindex(&build, |_| ()).await?;
    report.failed = built.failed;
    knowledge.indexes.remove_retired().await?;
    report.findings = doctor::examine(&knowledge, false).await?.findings;
    knowledge.db.close().await;
    Ok(())
}
