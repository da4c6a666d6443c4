//! Another index in the place of the one that answers, made from SQL alone: no source is read.
//!
//! The new index is built beside the live one, pass by pass: each puts in the live versions that are missing, under
//! their own ids, and takes out what is not live any more. Documents that come and go meanwhile are what the next pass
//! finds. When one finds nothing, storing pauses, the last pass is made, and SQL says in one transaction that the
//! new index answers.
//!
//! What a crash leaves, by the step it interrupts: the live index answers, and every step is done again.
//!
//! | interrupted | SQL | new index | mended by |
//! |---|---|---|---|
//! | before `begin_indexing` | the version is missing | none of its chunks | the next pass |
//! | while chunks are written | it is begun | some of its chunks | the next pass, which writes the same ones |
//! | before `finish_indexing` | it is begun | all of its chunks | the same |
//! | before the switch | all versions are in | whole | the next build, whose first pass finds nothing to do |
//! | after the switch | the new index is live | whole | the next start, which removes the old one |

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::DbError;
use domain::{Document, Index, IndexId, Selection};
use serde::{Deserialize, Serialize};

use crate::gate::ClosedGate;
use crate::prepare::Preparer;
use crate::sync::FailedSource;
use crate::{IngestError, Pipeline};

/// Rows read at a time.
const BATCH: u32 = 100;

/// Documents of a pass that is a moment's work.
const SHORT_PASS_DOCUMENTS: u64 = 4;

/// Passes that find hardly anything before the last one is made while nobody stores: where documents come in all the
/// time, none would find nothing.
const MOST_SHORT_PASSES: u32 = 8;

/// Longest wait for the questions that are asked of the old index; they take milliseconds.
const LONGEST_QUESTION: Duration = Duration::from_secs(60);

/// How often it is looked whether an index is still in use.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often a database that did not answer is asked again what it has done.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// An index that is being built, as SQL knows it and as it is open.
#[derive(Clone)]
pub struct Build {
    /// Its id.
    pub id: IndexId,
    /// The index.
    pub index: Arc<Index>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReindexProgress {
    /// Documents done, failed ones included.
    pub done: u64,
    /// Documents in all.
    pub total: u64,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReindexReport {
    /// Documents that are in the new index.
    pub documents: u64,
    /// Their chunks.
    pub chunks: u64,
    /// Time it took.
    pub seconds: f64,
    /// Whether the new index answers now. If not, the old one goes on.
    pub switched: bool,
    /// Documents that are not in the new index, and why.
    pub failed: Vec<FailedSource>,
}

impl Pipeline {
    /// Builds an index from the texts in SQL and makes it the one that answers. Safe to interrupt and to repeat. When
    /// it has switched, it waits until nobody asks the old index any more.
    ///
    /// # Errors
    /// Those that concern every document ([`IngestError::concerns_every_document`]); others are in the report.
    pub async fn reindex(
        &self,
        build: &Build,
        on_progress: impl FnMut(ReindexProgress) + Send,
    ) -> Result<ReindexReport, IngestError> {
        let started = Instant::now();
        let mut passes = Passes {
            pipeline: self,
            build,
            preparer: self.preparer_for(build.index.clone()),
            failed: Vec::new(),
            on_progress,
        };
        let mut short_passes = 0;
        while short_passes < MOST_SHORT_PASSES && passes.failed.is_empty() {
            match passes.run().await? {
                0 => break,
                found if found <= SHORT_PASS_DOCUMENTS => short_passes += 1,
                _ => {}
            }
        }
        // Now, while the old index answers, and not when people wait for this one.
        build.index.vectors.settle().await?;
        let mut built = self.db.build_progress(build.id).await?;
        let mut closed = match passes.failed.is_empty() {
            true => Some(self.gate.close().await),
            false => None,
        };
        // Deletions do not wait for the gate, so one pass may not be enough.
        while let Some(gate) = closed.take() {
            passes.run().await?;
            built = self.db.build_progress(build.id).await?;
            if passes.failed.is_empty() {
                closed = self.switch(build, gate).await?;
            }
        }
        Ok(ReindexReport {
            documents: built.indexed,
            chunks: built.chunks,
            seconds: started.elapsed().as_secs_f64(),
            switched: passes.failed.is_empty(),
            failed: passes.failed,
        })
    }

    /// Lets the built index take over, if it is whole; if not, the gate is given back, still closed.
    async fn switch(&self, build: &Build, gate: ClosedGate) -> Result<Option<ClosedGate>, IngestError> {
        let (pipeline, build) = (self.clone(), build.clone());
        // A task of its own: once SQL has switched, memory must follow, also when nobody waits for it any more.
        let switching = tokio::spawn(async move {
            let _sweeping = pipeline.gate.sweep().await;
            if !pipeline.switch_in_sql(build.id).await? {
                return Ok(Err(gate));
            }
            Ok::<_, DbError>(Ok((pipeline.index.replace(build.index.clone()), build.index)))
        });
        let switched = switching.await.map_err(|error| DbError::Failed(error.to_string()))?;
        match switched? {
            Err(gate) => Ok(Some(gate)),
            Ok((before, now)) => {
                if !Arc::ptr_eq(&before, &now) {
                    until_unused(before).await;
                }
                Ok(None)
            }
        }
    }

    async fn switch_in_sql(&self, index: IndexId) -> Result<bool, DbError> {
        match self.db.switch_index(index).await {
            // The connection broke, perhaps after the switch was done.
            Err(DbError::Unavailable(_)) => {}
            decided => return decided,
        }
        loop {
            match self.db.live_index().await {
                Err(DbError::Unavailable(_)) => tokio::time::sleep(ASK_EVERY).await,
                live => return Ok(live?.is_some_and(|live| live.id == index)),
            }
        }
    }
}

/// Waits for the questions that were asked of the index before another one took over.
async fn until_unused(index: Arc<Index>) {
    let until = Instant::now() + LONGEST_QUESTION;
    while Arc::strong_count(&index) > 1 && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The passes of one build.
struct Passes<'a, F> {
    pipeline: &'a Pipeline,
    build: &'a Build,
    preparer: Preparer,
    failed: Vec<FailedSource>,
    on_progress: F,
}

impl<F: FnMut(ReindexProgress) + Send> Passes<'_, F> {
    /// Takes out what is not live any more and puts in what is missing. Returns how many documents were.
    async fn run(&mut self) -> Result<u64, IngestError> {
        self.remove_leftovers().await?;
        let db = &self.pipeline.db;
        let before = db.build_progress(self.build.id).await?;
        let mut progress = ReindexProgress { done: before.indexed, total: before.documents };
        (self.on_progress)(progress);
        let (mut found, mut last) = (0, None);
        loop {
            let missing = db.unindexed_documents(self.build.id, last, BATCH).await?;
            let Some(end) = missing.last() else { return Ok(found) };
            last = Some(end.id);
            for document in missing {
                let source = document.source.clone();
                match self.put_in(document).await {
                    Ok(()) => {}
                    Err(error) if error.concerns_every_document() => return Err(error),
                    Err(error) => self.failed.push(FailedSource::new(source, &error)),
                }
                found += 1;
                progress.done += 1;
                progress.total = progress.total.max(progress.done);
                (self.on_progress)(progress);
            }
        }
    }

    async fn remove_leftovers(&self) -> Result<(), IngestError> {
        let db = &self.pipeline.db;
        loop {
            let leftovers = db.leftover_versions(self.build.id, BATCH).await?;
            if leftovers.is_empty() {
                return Ok(());
            }
            for leftover in leftovers {
                let selection = Selection::Version(leftover.workspace, leftover.version);
                self.build.index.vectors.remove(selection).await?;
                db.forget_indexed(self.build.id, leftover.version).await?;
            }
        }
    }

    /// Puts the document's live version in. If it is superseded meanwhile, the next pass takes it out again.
    async fn put_in(&self, document: Document) -> Result<(), IngestError> {
        let Some(live) = document.live_version else { return Ok(()) };
        let db = &self.pipeline.db;
        db.begin_indexing(self.build.id, live).await?;
        let chunks = self.pipeline.write_live(&self.preparer, &self.build.index, &document, live).await?;
        db.finish_indexing(self.build.id, live, chunks).await?;
        Ok(())
    }
}
