//! One story over every vector store: the embedded one, and a Qdrant server where `DAEDAP_TEST_QDRANT_URL` names one.
//!
//! What is told here is what callers may rely on whichever store stands behind the port. What only one store has
//! (its files, its connection) is tested beside it.

#![allow(clippy::unwrap_used)] // In a test it is the report.

mod filters;
mod reading;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    Analyzer, Chunk, ChunkId, ChunkPoint, CollectionId, DocumentId, EmbeddingSpace, FieldedText, Filter,
    Language, Scope, ScoredChunk, Selection, SparseVector, VectorStore, VectorStoreError, VersionId,
    WorkspaceId,
};
use jiff::Timestamp;
use retriever::analyze::BigramAnalyzer;
use retriever::store::embedded::EmbeddedStore;
use retriever::store::qdrant::{QdrantOptions, QdrantStore};
use tests::environment;
use tests::eventually::eventually;
use uuid::Uuid;

/// How long a dropped store may keep its lock.
const LET_GO_WITHIN: Duration = Duration::from_secs(20);

/// A place where a store is kept.
enum Place {
    Folder(tempfile::TempDir),
    Server(QdrantOptions),
}

impl Place {
    /// Every place there is on this machine, empty.
    fn all() -> Vec<Self> {
        let mut places = vec![Self::Folder(tempfile::tempdir().unwrap())];
        if let Some(url) = environment::require_qdrant() {
            let collection = format!("daedap-test-{}", Uuid::now_v7());
            places.push(Self::Server(QdrantOptions { url, api_key: None, collection }));
        }
        places
    }

    /// Opens the place, once whoever had it has let go: the lock of a dropped store stays for a moment with its index
    /// thread, and with a child process of another test that is about to become another program.
    async fn open(&self, space: &EmbeddingSpace) -> Result<Arc<dyn VectorStore>, VectorStoreError> {
        eventually("the store to be let go", LET_GO_WITHIN, async || match self.open_now(space).await {
            Err(VectorStoreError::Locked(_)) => None,
            opened => Some(opened),
        })
        .await
    }

    async fn open_now(&self, space: &EmbeddingSpace) -> Result<Arc<dyn VectorStore>, VectorStoreError> {
        Ok(match self {
            Self::Folder(dir) => Arc::new(EmbeddedStore::open(dir.path(), space)?),
            Self::Server(options) => Arc::new(QdrantStore::connect(options.clone(), space).await?),
        })
    }

    async fn exists(&self) -> bool {
        match self {
            Self::Folder(dir) => EmbeddedStore::exists(dir.path()),
            Self::Server(options) => QdrantStore::exists(options).await.unwrap(),
        }
    }

    /// Removes the store, once whoever had it has let go.
    async fn destroy(&self) {
        eventually("the store to be let go", LET_GO_WITHIN, async || match self {
            Self::Folder(dir) => match EmbeddedStore::destroy(dir.path()) {
                Err(VectorStoreError::Locked(_)) => None,
                destroyed => Some(destroyed),
            },
            Self::Server(options) => Some(QdrantStore::destroy(options).await),
        })
        .await
        .unwrap();
    }
}

fn space() -> EmbeddingSpace {
    EmbeddingSpace {
        model: "four-corners".to_owned(),
        dimensions: 4,
        query_prefix: String::new(),
        passage_prefix: String::new(),
    }
}

/// A document in a collection of a tenant, to make points of.
#[derive(Clone, Copy)]
struct Source {
    workspace: WorkspaceId,
    collection: CollectionId,
    document: DocumentId,
    version: VersionId,
}

impl Source {
    fn new(workspace: WorkspaceId, collection: &str, document: &str) -> Self {
        let collection = CollectionId::derive(workspace, collection);
        let document = DocumentId::derive(collection, document);
        Self { workspace, collection, document, version: VersionId::derive(document, 1) }
    }

    fn second_version(self) -> Self {
        Self { version: VersionId::derive(self.document, 2), ..self }
    }

    fn scope(self) -> Scope {
        Scope { workspace: self.workspace, collections: vec![self.collection], filter: Filter::default() }
    }

    fn point(self, position: u32, text: &str, dense: Option<[f32; 4]>) -> ChunkPoint {
        let chunk = Chunk {
            id: ChunkId::derive(self.version, position),
            workspace: self.workspace,
            collection: self.collection,
            document: self.document,
            version: self.version,
            position,
            title: "설명서".to_owned(),
            source: "manual.md".to_owned(),
            heading_path: vec!["First".to_owned(), "Second".to_owned()],
            page: (position > 0).then_some(position),
            language: Language::KOREAN,
            tags: vec!["설비".to_owned()],
            dated_at: Timestamp::UNIX_EPOCH,
            text: text.to_owned(),
        };
        ChunkPoint { dense: dense.map(Vec::from), sparse: document_terms(text), chunk }
    }
}

fn document_terms(text: &str) -> SparseVector {
    let analyzer = BigramAnalyzer::new();
    let language = analyzer.language(text);
    analyzer.document_terms(FieldedText { title: "", heading_path: &[], body: text, language })
}

fn query_terms(text: &str) -> SparseVector {
    let analyzer = BigramAnalyzer::new();
    analyzer.query_terms(text, analyzer.language(text))
}

fn texts(hits: &[ScoredChunk]) -> Vec<&str> {
    hits.iter().map(|hit| hit.chunk.text.as_str()).collect()
}

/// Two vectors at right angles, and one between them that is nearer to the first.
const EAST: [f32; 4] = [1.0, 0.0, 0.0, 0.0];
const NORTH: [f32; 4] = [0.0, 1.0, 0.0, 0.0];
const EAST_NORTH_EAST: [f32; 4] = [0.8, 0.6, 0.0, 0.0];

fn manual() -> Source {
    Source::new(WorkspaceId::DEFAULT, "manuals", "manual.md")
}

fn manual_points() -> Vec<ChunkPoint> {
    vec![
        manual().point(0, "the pump starts with the green button", Some(EAST)),
        manual().point(1, "the pump stops with the red button", Some(NORTH)),
        manual().point(2, "the green lamp shows that the valve is open", Some(EAST_NORTH_EAST)),
    ]
}

#[tokio::test]
async fn dense_search_orders_by_cosine_and_gives_chunks_back_whole() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        let hits = store.search_dense(&manual().scope(), &EAST, 2).await.unwrap();
        let expected = manual_points();
        assert_eq!(hits[0].chunk, expected[0].chunk);
        assert_eq!(hits[1].chunk, expected[2].chunk);
        assert!((hits[0].score - 1.0).abs() < 1e-5 && (hits[1].score - 0.8).abs() < 1e-5, "{hits:?}");
    }
}

#[tokio::test]
async fn sparse_search_scores_query_weight_by_idf_by_document_weight() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        // `valve` stands in one chunk of three, `green` in two: idf = ln((n - df + 0.5) / (df + 0.5) + 1).
        let hits = store.search_sparse(&manual().scope(), &query_terms("green valve"), 9).await.unwrap();
        assert_eq!(hits[0].chunk.position, 2);
        assert_eq!(hits[1].chunk.position, 0);
        assert_eq!(hits.len(), 2, "a chunk without a common term is not found: {:?}", texts(&hits));
        let (rare, common) = ((2.5_f32 / 1.5 + 1.0).ln(), (1.5_f32 / 2.5 + 1.0).ln());
        let weight = |text: &str, term: &str| document_terms(text).weight(query_terms(term).indices[0]);
        let lamp = "the green lamp shows that the valve is open";
        let expected = rare * weight(lamp, "valve") + common * weight(lamp, "green");
        assert!((hits[0].score - expected).abs() < 1e-4, "{} is not {expected}", hits[0].score);
        let expected = common * weight("the pump starts with the green button", "green");
        assert!((hits[1].score - expected).abs() < 1e-4, "{} is not {expected}", hits[1].score);
    }
}

#[tokio::test]
async fn a_term_is_as_rare_as_the_search_takes_it_to_be() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        let question = query_terms("green pump absent");
        let rarity = store.idf(&question.indices).await.unwrap();
        let found = store.search_sparse(&manual().scope(), &question, 10).await.unwrap();
        assert!(!found.is_empty());
        for hit in found {
            let terms = document_terms(&hit.chunk.text);
            let parts = question.indices.iter().zip(&question.values).zip(&rarity);
            let sum: f32 = parts.map(|((term, asked), rarity)| asked * rarity * terms.weight(*term)).sum();
            assert!((sum - hit.score).abs() < 1e-4, "{sum} is not {}", hit.score);
        }
        let absent = store.idf(&query_terms("absent").indices).await.unwrap();
        assert!(absent[0] >= rarity.iter().copied().fold(0.0, f32::max), "nothing is rarer: {rarity:?}");
        assert!(store.idf(&[]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn writing_the_same_points_again_changes_nothing() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        let before = store.search_sparse(&manual().scope(), &query_terms("green button"), 9).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        assert_eq!(store.count(Selection::Workspace(WorkspaceId::DEFAULT)).await.unwrap(), 3);
        let after = store.search_sparse(&manual().scope(), &query_terms("green button"), 9).await.unwrap();
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn a_point_written_again_with_another_text_replaces_the_old_one() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        store.upsert(vec![manual().point(0, "a brass whistle", None)]).await.unwrap();
        let hits = store.search_sparse(&manual().scope(), &query_terms("brass"), 9).await.unwrap();
        assert_eq!(texts(&hits), ["a brass whistle"]);
        let hits = store.search_sparse(&manual().scope(), &query_terms("starts"), 9).await.unwrap();
        assert!(hits.is_empty(), "the old terms are gone: {:?}", texts(&hits));
        let hits = store.search_dense(&manual().scope(), &EAST, 9).await.unwrap();
        assert_eq!(hits.len(), 2, "the old vector is gone: {:?}", texts(&hits));
    }
}

#[tokio::test]
async fn no_search_leaves_its_scope() {
    let here = manual();
    let other_collection = Source::new(WorkspaceId::DEFAULT, "secrets", "manual.md");
    let other_tenant = Source::new(WorkspaceId(Uuid::from_u128(7)), "manuals", "manual.md");
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        for source in [other_collection, other_tenant] {
            // Many and nearer, so that a filter on the results would find nothing.
            let points = (0..200).map(|position| source.point(position, "green green green", Some(EAST)));
            store.upsert(points.collect()).await.unwrap();
        }
        store.upsert(vec![here.point(0, "a green button among others", Some(NORTH))]).await.unwrap();
        let terms = query_terms("green");
        assert_eq!(
            texts(&store.search_sparse(&here.scope(), &terms, 3).await.unwrap()),
            ["a green button among others"]
        );
        assert_eq!(
            texts(&store.search_dense(&here.scope(), &EAST, 3).await.unwrap()),
            ["a green button among others"]
        );
        let both = Scope { collections: vec![here.collection, other_collection.collection], ..here.scope() };
        let hits = store.search_sparse(&both, &terms, 300).await.unwrap();
        assert_eq!(hits.len(), 201);
        assert!(hits.iter().all(|hit| hit.chunk.workspace == here.workspace));
        // A collection's id under another tenant finds nothing, for the tenant is asked for as well.
        let foreign = Scope { collections: vec![other_tenant.collection], ..here.scope() };
        assert!(store.search_sparse(&foreign, &terms, 3).await.unwrap().is_empty());
        assert!(store.search_dense(&foreign, &EAST, 3).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn chunks_without_a_dense_vector_are_found_by_terms_alone() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store
            .upsert(vec![
                manual().point(0, "연차 휴가는 십오일이다", None),
                manual().point(1, "회의실은 사내망에서 예약한다", None),
            ])
            .await
            .unwrap();
        assert!(store.search_dense(&manual().scope(), &EAST, 9).await.unwrap().is_empty());
        let hits =
            store.search_sparse(&manual().scope(), &query_terms("연차휴가는 며칠인가요?"), 9).await.unwrap();
        assert_eq!(texts(&hits), ["연차 휴가는 십오일이다"]);
    }
}

#[tokio::test]
async fn nothing_asked_is_nothing_found() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        let nowhere = Scope { collections: Vec::new(), ..manual().scope() };
        assert!(store.search_dense(&nowhere, &EAST, 9).await.unwrap().is_empty());
        assert!(store.search_sparse(&nowhere, &query_terms("green"), 9).await.unwrap().is_empty());
        assert!(
            store.search_sparse(&manual().scope(), &SparseVector::default(), 9).await.unwrap().is_empty()
        );
        assert!(store.search_dense(&manual().scope(), &EAST, 0).await.unwrap().is_empty());
        store.upsert(Vec::new()).await.unwrap();
        let too_short = store.search_dense(&manual().scope(), &[1.0], 9).await;
        assert!(matches!(too_short, Err(VectorStoreError::Failed(_))), "{too_short:?}");
    }
}

#[tokio::test]
async fn counts_and_removals_are_exact() {
    let (first, second) = (manual(), manual().second_version());
    let other_document = Source::new(WorkspaceId::DEFAULT, "manuals", "other.md");
    let other_collection = Source::new(WorkspaceId::DEFAULT, "letters", "manual.md");
    let other_tenant = Source::new(WorkspaceId(Uuid::from_u128(7)), "manuals", "manual.md");
    let workspace = WorkspaceId::DEFAULT;
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        for source in [first, second, other_document, other_collection, other_tenant] {
            let points = (0..30).map(|position| source.point(position, "some words", Some(EAST)));
            store.upsert(points.collect()).await.unwrap();
        }
        let count = async |selection| store.count(selection).await.unwrap();
        assert_eq!(count(Selection::Workspace(workspace)).await, 120);
        assert_eq!(count(Selection::Collection(workspace, first.collection)).await, 90);
        assert_eq!(count(Selection::Document(workspace, first.document)).await, 60);
        assert_eq!(count(Selection::Version(workspace, first.version)).await, 30);
        assert_eq!(count(Selection::Version(other_tenant.workspace, first.version)).await, 0);

        store.remove(Selection::Version(other_tenant.workspace, first.version)).await.unwrap();
        assert_eq!(
            count(Selection::Version(workspace, first.version)).await,
            30,
            "another tenant removes nothing"
        );
        store.remove(Selection::Version(workspace, first.version)).await.unwrap();
        store.remove(Selection::Version(workspace, first.version)).await.unwrap();
        assert_eq!(count(Selection::Document(workspace, first.document)).await, 30);
        let hits = store.search_dense(&first.scope(), &EAST, 200).await.unwrap();
        assert!(hits.iter().all(|hit| hit.chunk.version != first.version) && hits.len() == 60);

        store.remove(Selection::Document(workspace, first.document)).await.unwrap();
        assert_eq!(count(Selection::Collection(workspace, first.collection)).await, 30);
        store.remove(Selection::Collection(workspace, first.collection)).await.unwrap();
        assert_eq!(count(Selection::Workspace(workspace)).await, 30);
        store.remove(Selection::Workspace(workspace)).await.unwrap();
        assert_eq!(count(Selection::Workspace(workspace)).await, 0);
        assert_eq!(count(Selection::Workspace(other_tenant.workspace)).await, 30);
    }
}

#[tokio::test]
async fn a_store_opened_again_holds_what_it_held() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        let points = (0..700)
            .map(|position| manual().point(position, &format!("chunk number {position}"), Some(EAST)));
        store.upsert(points.collect()).await.unwrap();
        store.remove(Selection::Document(WorkspaceId::DEFAULT, DocumentId(Uuid::nil()))).await.unwrap();
        drop(store);
        let store = place.open(&space()).await.unwrap();
        assert_eq!(store.count(Selection::Workspace(WorkspaceId::DEFAULT)).await.unwrap(), 700);
        let hits = store.search_sparse(&manual().scope(), &query_terms("number 699"), 1).await.unwrap();
        assert_eq!(texts(&hits), ["chunk number 699"]);
        // And it goes on: what is written after reopening replaces what was written before.
        store.upsert(vec![manual().point(699, "rewritten", None)]).await.unwrap();
        let hits = store.search_sparse(&manual().scope(), &query_terms("rewritten"), 9).await.unwrap();
        assert_eq!(texts(&hits), ["rewritten"]);
        assert_eq!(store.count(Selection::Workspace(WorkspaceId::DEFAULT)).await.unwrap(), 700);
    }
}

#[tokio::test]
async fn another_space_is_refused_until_the_store_is_made_again() {
    let others = [
        EmbeddingSpace { model: "another".to_owned(), ..space() },
        EmbeddingSpace { dimensions: 8, ..space() },
        EmbeddingSpace { passage_prefix: "passage: ".to_owned(), ..space() },
    ];
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        drop(store);
        for other in &others {
            let error = place.open(other).await.err().expect("another space must be refused");
            assert!(matches!(error, VectorStoreError::SpaceMismatch { .. }), "{error}");
            assert!(error.to_string().contains("daedap reindex"), "{error}");
        }
        assert!(place.exists().await);
        place.destroy().await;
        place.destroy().await;
        assert!(!place.exists().await);
        let store = place.open(&others[0]).await.unwrap();
        assert_eq!(store.count(Selection::Workspace(WorkspaceId::DEFAULT)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn reading_goes_on_while_others_write() {
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        store.upsert(manual_points()).await.unwrap();
        let writers = (1..5_u128).map(|number| {
            let store = Arc::clone(&store);
            let source = Source::new(WorkspaceId(Uuid::from_u128(number)), "manuals", "manual.md");
            tokio::spawn(async move {
                for position in 0..10 {
                    store.upsert(vec![source.point(position, "green words", Some(EAST))]).await.unwrap();
                }
                store.count(Selection::Workspace(source.workspace)).await.unwrap()
            })
        });
        let writers: Vec<_> = writers.collect();
        for _ in 0..50 {
            let hits = store.search_sparse(&manual().scope(), &query_terms("green"), 9).await.unwrap();
            assert_eq!(hits.len(), 2, "{:?}", texts(&hits));
        }
        for writer in writers {
            assert_eq!(writer.await.unwrap(), 10);
        }
    }
}

#[tokio::test]
async fn an_embedded_store_is_open_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), &space()).unwrap();
    let second = EmbeddedStore::open(dir.path(), &space()).err().expect("a second opening must be refused");
    assert!(matches!(second, VectorStoreError::Locked(_)), "{second}");
    drop(store);
    eventually("the store to be let go", LET_GO_WITHIN, async || {
        EmbeddedStore::open(dir.path(), &space()).ok()
    })
    .await;
}

/// Set for the child process that dies: the folder of its store.
const CHILD_FOLDER: &str = "DAEDAP_TEST_ABORT_AFTER_UPSERT";

/// Points that the child writes before it dies.
const POINTS_OF_THE_DEAD: u32 = 1_000;

/// Not a story of its own: the child's part of the next test. Without the variable there is nothing to do.
#[tokio::test]
async fn child_that_writes_and_dies() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let store = EmbeddedStore::open(Path::new(&folder), &space()).unwrap();
    let points = (0..POINTS_OF_THE_DEAD).map(|position| {
        let dense = position.is_multiple_of(2).then_some(EAST);
        manual().point(position, &format!("written before the end {position}"), dense)
    });
    store.upsert(points.collect()).await.unwrap();
    store.remove(Selection::Document(WorkspaceId::DEFAULT, DocumentId(Uuid::nil()))).await.unwrap();
    std::process::abort();
}

#[tokio::test]
async fn an_acknowledged_write_survives_the_death_of_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_writes_and_dies"])
        .env(CHILD_FOLDER, dir.path())
        .output()
        .unwrap();
    assert!(!child.status.success(), "the child must die: {}", String::from_utf8_lossy(&child.stdout));
    let store = EmbeddedStore::open(dir.path(), &space()).unwrap();
    let count = store.count(Selection::Version(WorkspaceId::DEFAULT, manual().version)).await.unwrap();
    assert_eq!(count, u64::from(POINTS_OF_THE_DEAD));
    let hits = store.search_dense(&manual().scope(), &EAST, POINTS_OF_THE_DEAD as usize).await.unwrap();
    assert_eq!(hits.len(), POINTS_OF_THE_DEAD as usize / 2);
    let hits = store.search_sparse(&manual().scope(), &query_terms("999"), 9).await.unwrap();
    assert_eq!(texts(&hits), ["written before the end 999"]);
}
