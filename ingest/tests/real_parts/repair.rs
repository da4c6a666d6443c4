//! Tests that a repair of the index writes first and removes after, so that a document is found all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::{ChunkId, Selection, VectorStore, VectorStoreError};
use ingest::{ChunkOptions, IndexCheck};

use crate::crash::{Unplugging, regulations};
use crate::kit::{Kit, WORKSPACE};
use crate::watched::{Call, Watch, Watched};

const SOURCE: &str = "규정.md";

/// Notes the smallest number of a document's points that there ever is.
struct Fewest {
    store: Arc<dyn VectorStore>,
    selection: Selection,
    points: Arc<AtomicU64>,
}

#[async_trait]
impl Watch for Fewest {
    async fn after(&self, _call: Call) -> Result<(), VectorStoreError> {
        let points = self.store.count(self.selection).await?;
        self.points.fetch_min(points, Ordering::SeqCst);
        Ok(())
    }
}

/// A check of the kit's index through another store.
fn check(kit: &Kit, vectors: Arc<dyn VectorStore>, chunking: ChunkOptions) -> IndexCheck {
    IndexCheck::new(&kit.context_of(vectors, chunking))
}

async fn version(kit: &Kit) -> Selection {
    Selection::Version(WORKSPACE, kit.document(SOURCE).await.live_version.expect("it is live"))
}

/// Makes SQL and the index disagree.
async fn miscount(kit: &Kit, chunks: u32) {
    let live = kit.document(SOURCE).await.live_version.expect("it is live");
    kit.db.publish_version(WORKSPACE, live, chunks).await.expect("noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_found_while_it_is_repaired() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest(SOURCE, regulations(130, "기준")).await.expect("ingested");
    miscount(&kit, 131).await;
    let points = Arc::new(AtomicU64::new(u64::MAX));
    let selection = version(&kit).await;
    let watch = Fewest { store: kit.vectors.clone(), selection, points: points.clone() };
    let watched = Arc::new(Watched { store: kit.vectors.clone(), watch });
    let checked = check(&kit, watched, ChunkOptions::default()).check_points(true).await.expect("repaired");
    assert!(checked.findings[0].repaired, "{:?}", checked.findings);
    assert_eq!(points.load(Ordering::SeqCst), 130, "no point was ever missing");
    kit.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_is_cut_off_leaves_what_there_was() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest(SOURCE, regulations(130, "기준")).await.expect("ingested");
    for calls in 1..12 {
        miscount(&kit, 131).await;
        let cut_off = Watched { store: kit.vectors.clone(), watch: Unplugging::at(calls, calls % 2 == 0) };
        let repaired = check(&kit, Arc::new(cut_off), ChunkOptions::default()).check_points(true).await;
        let found = kit.vectors.count(version(&kit).await).await.expect("a count");
        assert_eq!(found, 130, "cut off at call {calls}: {repaired:?}");
    }
    check(&kit, kit.vectors.clone(), ChunkOptions::default()).check_points(true).await.expect("repaired");
    kit.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_past_the_last_chunk_are_removed_at_the_end() {
    let Some(kit) = Kit::new().await else { return };
    let done = kit.ingest(SOURCE, regulations(130, "기준")).await.expect("ingested");
    let live = kit.document(SOURCE).await.live_version.expect("it is live");
    let last = kit.vectors.points(version(&kit).await, None, 1_000).await.expect("points").pop();
    let mut extra = last.expect("a point");
    for position in done.chunks..done.chunks + 3 {
        extra.chunk.id = ChunkId::derive(live, position);
        extra.chunk.position = position;
        kit.vectors.upsert(vec![extra.clone()]).await.expect("stored");
    }
    let checked =
        check(&kit, kit.vectors.clone(), ChunkOptions::default()).check_points(true).await.expect("repaired");
    assert_eq!(checked.findings[0].code, "points_extra");
    kit.assert_whole().await;
}
