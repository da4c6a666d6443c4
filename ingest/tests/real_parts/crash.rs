//! Tests invariants 2 and 3: whatever step a crash interrupts, the old or the new version is complete, and the next
//! attempt ends where an undisturbed one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::{Selection, VectorStoreError};
use ingest::{ChunkOptions, Outcome};

use crate::kit::{Kit, WORKSPACE};
use crate::watched::{Call, Watch, Watched};

/// Fails one of the store's calls and all later ones: before that call has an effect, or right after.
pub(crate) struct Unplugging {
    calls_left: AtomicUsize,
    after_effect: bool,
}

impl Unplugging {
    /// At the call that is `calls`th of all.
    pub(crate) fn at(calls: usize, after_effect: bool) -> Self {
        Self { calls_left: AtomicUsize::new(calls), after_effect }
    }

    fn count_down(&self) -> Result<(), VectorStoreError> {
        let before = self
            .calls_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)));
        if before.is_ok_and(|left| left <= 1) {
            return Err(VectorStoreError::Unavailable("the plug was pulled".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Watch for Unplugging {
    async fn before(&self, _call: Call) -> Result<(), VectorStoreError> {
        if self.after_effect { Ok(()) } else { self.count_down() }
    }

    async fn after(&self, _call: Call) -> Result<(), VectorStoreError> {
        if self.after_effect { self.count_down() } else { Ok(()) }
    }
}

/// Korean, so that no time is spent on embedding; more chunks than one batch.
pub(crate) fn regulations(sections: usize, wording: &str) -> String {
    (1..=sections).map(|n| format!("## 제{n}조\n\n제{n}조의 {wording}은 다음과 같습니다.\n\n")).collect()
}

/// Asserts what must hold at every moment: the live version, if there is one, has all of its chunks.
async fn assert_whole(kit: &Kit, source: &str) {
    let Ok(document) = kit.db.document(WORKSPACE, kit.document_id(source)).await else { return };
    if let Some(live) = document.live_version {
        let stored = kit.vectors.count(Selection::Version(WORKSPACE, live)).await.expect("a count");
        assert_eq!(stored, u64::from(document.chunk_count), "{source}: a live version with chunks missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_leaves_one_version_whole_and_the_next_attempt_ends_right() {
    let Some(kit) = Kit::new().await else { return };
    let (old, new) = (regulations(70, "기준"), regulations(130, "절차"));
    for after_effect in [false, true] {
        let mut calls = 1;
        loop {
            let source = format!("규정-{after_effect}-{calls}.md");
            kit.ingest(&source, old.as_str()).await.expect("the old version");
            let unplugged =
                Watched { store: kit.vectors.clone(), watch: Unplugging::at(calls, after_effect) };
            let pipeline = kit.restarted(Arc::new(unplugged), ChunkOptions::default());
            let interrupted = pipeline.ingest(kit.item(&source, new.as_str())).await;
            assert_whole(&kit, &source).await;

            let resumed = kit.ingest(&source, new.as_str()).await.expect("the next attempt");
            assert_eq!(resumed.chunks, 130);
            assert_whole(&kit, &source).await;
            kit.sweep().await.expect("a sweep");
            assert_eq!(kit.stored(&source).await, 130, "nothing is double, nothing is left");
            assert_eq!(kit.document(&source).await.version_number, 2, "the pending version was resumed");
            // An ingest whose last call fails after the version is published has succeeded; later calls do not exist.
            if interrupted.is_ok_and(|done| done.outcome == Outcome::Updated) {
                break;
            }
            calls += 1;
        }
        assert!(calls >= 5, "each step was interrupted: {calls}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn smaller_chunks_of_an_interrupted_attempt_do_not_survive() {
    let Some(kit) = Kit::new().await else { return };
    let text = regulations(1, "기준").repeat(200).replace("## 제1조\n\n", "");
    let small = ChunkOptions { target_tokens: 16, overlap_tokens: 0 };
    let unplugged = Watched { store: kit.vectors.clone(), watch: Unplugging::at(4, true) };
    let interrupted =
        kit.restarted(Arc::new(unplugged), small).ingest(kit.item("규정.md", text.as_str())).await;
    assert_eq!(interrupted.expect_err("the plug").code(), "vectors_unavailable");
    let left = kit.stored("규정.md").await;
    let done = kit.ingest("규정.md", text.as_str()).await.expect("the next attempt");
    assert!(left > u64::from(done.chunks), "the test needs more small chunks than large ones: {left}");
    assert_eq!(kit.stored("규정.md").await, u64::from(done.chunks));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_clean_up_does_not_undo_an_ingest() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("규정.md", regulations(3, "기준")).await.expect("the old version");
    // Upsert, count; then the version is published; the third call removes the old chunks.
    let unplugged = Watched { store: kit.vectors.clone(), watch: Unplugging::at(3, false) };
    let pipeline = kit.restarted(Arc::new(unplugged), ChunkOptions::default());
    let done = pipeline.ingest(kit.item("규정.md", regulations(2, "절차"))).await.expect("it is ingested");
    assert_eq!((done.outcome, done.chunks), (Outcome::Updated, 2));
    assert_eq!(kit.stored("규정.md").await, 5);
    assert_eq!(kit.sweep().await.expect("a sweep"), 1);
    assert_eq!(kit.stored("규정.md").await, 2);
    assert_eq!(kit.sweep().await.expect("a sweep"), 0);
}
