//! Tests rebuilding the index: interrupted at any step, and while documents change.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Index, Selection, VectorStore, VectorStoreError};
use ingest::{Build, Outcome};
use tokio::sync::Semaphore;

use crate::crash::{Unplugging, regulations};
use crate::kit::{Kit, WORKSPACE};
use crate::watched::{Call, Watch, Watched};

const LEAVE: &str = "# Annual leave\n\nEvery employee gets fifteen days of annual leave.\n\n\
                     ## Carry-over\n\nUnused days can be taken until the end of March.\n";
const LEAVE_KO: &str = "# 연차 휴가\n\n모든 직원은 매년 열닷새의 연차를 받습니다.\n\n## 이월\n\n남은 연차는 이듬해 3월 말까지 쓸 수 있습니다.\n";

/// Holds writes until they may continue, and signals that one waits.
#[derive(Clone)]
struct Holding {
    reached: Arc<Semaphore>,
    may_continue: Arc<Semaphore>,
}

#[async_trait]
impl Watch for Holding {
    async fn before(&self, call: Call) -> Result<(), VectorStoreError> {
        if call == Call::Upsert {
            self.reached.add_permits(1);
            let _permit = self.may_continue.acquire().await.expect("it is never closed");
        }
        Ok(())
    }
}

/// The same build with a watched store.
fn over(build: &Build, watch: impl Watch + 'static) -> Build {
    on(build, Arc::new(Watched { store: build.index.vectors.clone(), watch }))
}

/// The same build on another store.
fn on(build: &Build, vectors: Arc<dyn VectorStore>) -> Build {
    Build { id: build.id, index: Arc::new(Index { embedder: build.index.embedder.clone(), vectors }) }
}

/// Longer than the second embedder's maximum.
fn long_text() -> String {
    format!("# Rules\n\n{}", "Each rule of the house says what to do on a day like this one. ".repeat(40))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_built_again_from_the_database_alone() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    kit.ingest("연차.md", LEAVE_KO).await.expect("it is ingested");
    kit.ingest("rules.md", long_text()).await.expect("it is ingested");
    let few = kit.document("rules.md").await.chunk_count;
    kit.vectors.remove(Selection::Workspace(WORKSPACE)).await.expect("the index is lost");
    assert!(kit.find_words("연차").await.is_empty());

    let build = kit.begin_build().await;
    let mut steps = Vec::new();
    let report = kit.reindex(&build, |progress| steps.push(progress.done)).await.expect("built");
    assert!(report.switched && report.failed.is_empty(), "{report:?}");
    assert_eq!(report.documents, 3);
    assert!(steps.is_sorted() && steps.first() == Some(&0) && steps.last() == Some(&3), "{steps:?}");
    assert!(Arc::ptr_eq(&kit.index.current(), &build.index), "it is live");
    assert_eq!(kit.db.live_index().await.expect("asked").expect("there is one").id, build.id);
    kit.assert_whole().await;
    let many = kit.document("rules.md").await.chunk_count;
    assert!(many > few, "the new embedder reads shorter texts: {few}, {many}");
    assert_eq!(report.chunks, u64::from(many) + 4);
    assert_eq!(kit.find_words("이월").await.len(), 1);
    assert!(kit.find_meaning("carry over").await.len() > 2);
    assert_eq!(kit.document("leave.md").await.version_number, 1, "no new version is made of it");
    let again = kit.ingest("leave.md", LEAVE).await.expect("nothing to do");
    assert_eq!((again.outcome, again.chunks), (Outcome::Unchanged, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_change_during_a_build_are_current_after_it() {
    let Some(kit) = Kit::new().await else { return };
    for source in ["stays.md", "changes.md", "goes.md"] {
        kit.ingest(source, format!("# {source}\n\nThe first text of {source}."))
            .await
            .expect("it is ingested");
    }
    let build = kit.begin_build().await;
    let held = Holding { reached: Arc::new(Semaphore::new(0)), may_continue: Arc::new(Semaphore::new(0)) };
    let build = over(&build, held.clone());
    let meanwhile = async {
        let _ = held.reached.acquire().await.expect("it is never closed");
        // The first document is being indexed. All three change now, one way or another.
        kit.ingest("changes.md", "# Changed\n\nThe second text.").await.expect("it is ingested");
        kit.ingest("comes.md", "# New\n\nA text that was not there.").await.expect("it is ingested");
        kit.remove(kit.document_id("goes.md")).await.expect("it is deleted");
        let found = kit.find_words("second text").await;
        assert_eq!(found[0].chunk.source, "changes.md", "the former index is live");
        kit.assert_whole().await;
        held.may_continue.add_permits(1_000);
    };
    let (report, ()) = tokio::join!(kit.reindex(&build, |_| {}), meanwhile);
    let report = report.expect("built");
    assert!(report.switched, "{report:?}");
    assert_eq!((report.documents, report.chunks), (3, 3));
    kit.assert_whole().await;
    assert_eq!(kit.stored("goes.md").await, 0);
    assert_eq!(kit.stored("changes.md").await, 1);
    assert_eq!(kit.find_words("a text that was not there").await[0].chunk.source, "comes.md");
    assert_eq!(kit.sweep().await.expect("a sweep"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_stored_during_a_switch_are_complete_in_the_new_index() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("first.md", long_text()).await.expect("it is ingested");
    let build = kit.begin_build().await;
    let coming = futures::future::join_all((0..24).map(|number| {
        let kit = &kit;
        // Chunked for one index, perhaps, and stored into the other.
        async move { kit.ingest(&format!("{number}.md"), format!("{}{number}", long_text())).await }
    }));
    let (report, came) = tokio::join!(kit.reindex(&build, |_| {}), coming);
    assert!(report.expect("built").switched);
    for one in came {
        one.expect("it is ingested");
    }
    kit.assert_whole().await;
    let expected = kit.document("first.md").await.chunk_count;
    for number in 0..24 {
        let chunks = kit.document(&format!("{number}.md")).await.chunk_count;
        assert!(chunks >= expected, "{number} is chunked for the old embedder: {chunks}, not {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_interrupted_at_any_step_ends_as_one_that_was_not() {
    for after_effect in [false, true] {
        let Some(kit) = Kit::new().await else { return };
        for source in ["하나.md", "둘.md"] {
            kit.ingest(source, regulations(70, source)).await.expect("it is ingested");
        }
        let mut calls = 1;
        loop {
            // Not held: the former index is released only when nobody uses it.
            let before = Arc::as_ptr(&kit.index.current());
            let build = kit.begin_build().await;
            let interrupted = over(&build, Unplugging::at(calls, after_effect));
            let interrupted = kit.reindex(&interrupted, |_| {}).await;
            if interrupted.is_ok() {
                break;
            }
            assert_eq!(before, Arc::as_ptr(&kit.index.current()), "the former index is live");
            kit.assert_whole().await;
            let gone = format!("{after_effect}-{calls}.md");
            kit.ingest(&gone, regulations(3, "기준")).await.expect("ingest goes on");
            kit.remove(kit.document_id(&gone)).await.expect("so does deletion");

            let resumed = kit.reindex(&build, |_| {}).await.expect("the next attempt");
            assert_eq!((resumed.switched, resumed.documents, resumed.chunks), (true, 2, 140));
            kit.assert_whole().await;
            calls += 1;
        }
        assert!(calls > 6, "each step was interrupted: {calls}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_former_index_is_released_after_its_last_question() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    let build = kit.begin_build().await;
    let asked = kit.index.current();
    let question = async {
        while !Arc::ptr_eq(&kit.index.current(), &build.index) {
            tokio::task::yield_now().await;
        }
        // The other index went live in the middle of this question.
        let vector = asked.embedder.embed_query("carry over").await.expect("a vector");
        let found = asked.vectors.search_dense(&kit.scope(), &vector, 10).await.expect("a search");
        assert_eq!(found.len(), 2);
        drop(asked);
    };
    let (report, ()) = tokio::join!(kit.reindex(&build, |_| {}), question);
    assert!(report.expect("built").switched);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_indexed_keeps_the_former_index_live() {
    let Some(kit) = Kit::new().await else { return };
    kit.ingest("leave.md", LEAVE).await.expect("it is ingested");
    let build = kit.begin_build().await;
    // The store of another space: each vector is refused.
    let mut space = build.index.embedder.space().clone();
    space.dimensions = 3;
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = retriever::store::embedded::EmbeddedStore::open(folder.path(), &space).expect("a store");
    let report = kit.reindex(&on(&build, Arc::new(wrong)), |_| {}).await.expect("a report");
    assert!(!report.switched);
    assert_eq!(report.failed.len(), 1, "{report:?}");
    assert_eq!(report.failed[0].code, "vectors_failed");
    kit.assert_whole().await;
    assert_eq!(kit.find_meaning("carry over").await.len(), 2);
    assert!(kit.reindex(&build, |_| {}).await.expect("the next attempt").switched);
    kit.assert_whole().await;
}
