//! Rebuilds the vector index from SQL alone, without any source, and makes it live.
//!
//! The new index is built beside the live one, pass by pass: each pass adds the live versions that are missing, under
//! their own ids, and removes those that are no longer live. Documents that change meanwhile are left to the next pass.
//! When a pass finds nothing, storing pauses, a last pass runs, and one SQL transaction makes the new index live.
//!
//! What a crash leaves, by the step that it interrupts; the live index keeps answering, and every step can be repeated:
//!
//! | interrupted | SQL | new index | repaired by |
//! |---|---|---|---|
//! | before `begin_indexing` | the version is missing | none of its chunks | the next pass |
//! | while chunks are written | it is begun | some of its chunks | the next pass, which writes the same ones |
//! | before `finish_indexing` | it is begun | all of its chunks | the same |
//! | before the switch | all versions are in | complete | the next build, whose first pass finds nothing to do |
//! | after the switch | the new index is live | complete | the next start, which removes the former one |

use std::sync::Arc;
use std::time::Instant;

use db::Database;
use serde::{Deserialize, Serialize};

use crate::context::IngestContext;
use crate::error::IngestError;
use crate::index::build::Build;
use crate::index::build_pass::{BuildPasses, ReindexProgress};
use crate::index::lock::IndexLock;
use crate::index::switch::{IndexSwitch, Switched};
use crate::sources::report::FailedSource;
use crate::versions::prepare::Preparers;
use crate::versions::rechunk::Rechunk;

/// Maximum number of documents of a short pass: one that takes a moment.
const SHORT_PASS_DOCUMENTS: u64 = 4;

/// Maximum number of short passes before the last one, for which storing pauses. Where documents change all the time, no
/// pass would ever find nothing.
const MAX_SHORT_PASSES: u32 = 8;

/// The result of a rebuild.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReindexReport {
    /// Documents that are in the new index.
    pub documents: u64,
    /// Their chunks.
    pub chunks: u64,
    /// Duration.
    pub seconds: f64,
    /// Whether the new index is live now. If not, the former one stays live.
    pub switched: bool,
    /// Documents that are not in the new index, and why.
    pub failed: Vec<FailedSource>,
}

/// Rebuilds the index.
#[derive(Clone)]
pub struct Reindex {
    db: Database,
    index_lock: Arc<IndexLock>,
    preparers: Preparers,
    rechunk: Rechunk,
    index_switch: IndexSwitch,
}

impl Reindex {
    /// A rebuild from the context's database.
    pub fn new(context: &IngestContext) -> Self {
        Self {
            db: context.db.clone(),
            index_lock: context.index_lock.clone(),
            preparers: Preparers::new(context),
            rechunk: Rechunk::new(context),
            index_switch: IndexSwitch::new(context),
        }
    }

    /// Builds an index from the texts in SQL and makes it live. Safe to interrupt and to repeat. After the switch it waits
    /// until nobody uses the former index.
    ///
    /// # Errors
    /// Those that concern every document ([`IngestError::concerns_every_document`]); others are in the report.
    pub async fn run(
        &self,
        build: &Build,
        on_progress: impl FnMut(ReindexProgress) + Send,
    ) -> Result<ReindexReport, IngestError> {
        let started = Instant::now();
        let mut passes = BuildPasses {
            db: &self.db,
            rechunk: &self.rechunk,
            build,
            preparer: self.preparers.for_index(build.index.clone()),
            failed: Vec::new(),
            on_progress,
        };
        self.catch_up(&mut passes).await?;
        // Now, while the former index answers, rather than when questions wait for this one.
        build.index.vectors.flush().await?;
        let mut built = self.db.build_progress(build.id).await?;
        let mut paused = match passes.failed.is_empty() {
            true => Some(self.index_lock.pause_storing().await),
            false => None,
        };
        // Deletions go on while storing is paused, so one pass may not be enough.
        while let Some(pause) = paused.take() {
            passes.run().await?;
            built = self.db.build_progress(build.id).await?;
            if passes.failed.is_empty()
                && let Switched::NotComplete(pause) = self.index_switch.switch(build, pause).await?
            {
                paused = Some(pause);
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

    /// Makes passes until one finds nothing, or several in a row find hardly anything.
    async fn catch_up<F: FnMut(ReindexProgress) + Send>(
        &self,
        passes: &mut BuildPasses<'_, F>,
    ) -> Result<(), IngestError> {
        let mut short_passes = 0;
        while short_passes < MAX_SHORT_PASSES && passes.failed.is_empty() {
            match passes.run().await? {
                0 => break,
                found if found <= SHORT_PASS_DOCUMENTS => short_passes += 1,
                _ => {}
            }
        }
        Ok(())
    }
}
