//! What the suites of this room share: a pipeline on real parts in a folder of its own.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use db::Database;
use domain::{
    Analyzer, Collection, Document, DocumentId, Embedder, EmbeddingSpace, Filter, Language, LanguageCoverage,
    Scope, ScoredChunk, Selection, VectorStore, Visibility, WorkspaceId,
};
use ingest::{ChunkOptions, IngestError, IngestItem, Ingested, Pipeline, PipelineParts};
use retriever::analyze::BigramAnalyzer;
use retriever::embed::{EmbedderFiles, EmbedderProfile, FastEmbedder, Pooling};
use retriever::store::embedded::EmbeddedStore;
use tempfile::TempDir;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::DEFAULT;

/// A pipeline with its parts.
pub(crate) struct Kit {
    pub(crate) db: Database,
    pub(crate) vectors: Arc<dyn VectorStore>,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) analyzer: Arc<dyn Analyzer>,
    pub(crate) collection: Collection,
    pub(crate) pipeline: Pipeline,
    /// Where everything is; deleted with the kit.
    pub(crate) folder: TempDir,
}

/// The English test embedder; `None`, said loudly, where its files are not. Under CI they must be there.
fn embedder() -> Option<FastEmbedder> {
    let Some(models) = std::env::var_os("DAEDAP_TEST_MODELS").map(PathBuf::from) else {
        assert!(std::env::var_os("CI").is_none(), "DAEDAP_TEST_MODELS is not set");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not `eprintln!`: the harness swallows what a passing test prints. A closed stream leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: DAEDAP_TEST_MODELS is not set");
        return None;
    };
    let model = models.join("all-minilm-l6-v2");
    let files = EmbedderFiles {
        model: model.join("model.onnx"),
        tokenizer: model.join("tokenizer.json"),
        config: model.join("config.json"),
        special_tokens_map: model.join("special_tokens_map.json"),
        tokenizer_config: model.join("tokenizer_config.json"),
        runtime_library: models.join("onnxruntime-1.32-linux-x64/libonnxruntime.so"),
    };
    let profile = EmbedderProfile {
        space: EmbeddingSpace {
            model: "all-minilm-l6-v2".to_owned(),
            dimensions: 384,
            query_prefix: String::new(),
            passage_prefix: String::new(),
        },
        coverage: LanguageCoverage::Only(vec![Language::ENGLISH]),
        max_tokens: 256,
        pooling: Pooling::Mean,
        threads: 2,
    };
    Some(FastEmbedder::load(files, profile).expect("the test embedder loads"))
}

impl Kit {
    /// A kit; `None` where the test models are not.
    pub(crate) async fn new() -> Option<Self> {
        let embedder: Arc<dyn Embedder> = Arc::new(embedder()?);
        let folder = tempfile::tempdir().expect("a folder");
        let url = db::sqlite_url(&folder.path().join("daedap.db")).expect("a path of text");
        let db = Database::open(&url).await.expect("a database");
        let store = EmbeddedStore::open(&folder.path().join("vectors"), embedder.space()).expect("a store");
        let vectors: Arc<dyn VectorStore> = Arc::new(store);
        let analyzer: Arc<dyn Analyzer> = Arc::new(BigramAnalyzer::new());
        let collection =
            db.ensure_collection(WORKSPACE, "handbook", Visibility::Private).await.expect("a collection");
        let parts = PipelineParts {
            db: db.clone(),
            vectors: vectors.clone(),
            embedder: embedder.clone(),
            analyzer: analyzer.clone(),
            chunking: ChunkOptions::default(),
        };
        Some(Self { db, vectors, embedder, analyzer, collection, pipeline: Pipeline::new(parts), folder })
    }

    /// The pipeline with other chunk sizes or another store on the same data, as after a restart.
    pub(crate) fn restarted(&self, vectors: Arc<dyn VectorStore>, chunking: ChunkOptions) -> Pipeline {
        Pipeline::new(PipelineParts {
            db: self.db.clone(),
            vectors,
            embedder: self.embedder.clone(),
            analyzer: self.analyzer.clone(),
            chunking,
        })
    }

    pub(crate) fn item(&self, source: &str, bytes: impl Into<Vec<u8>>) -> IngestItem {
        IngestItem {
            workspace: WORKSPACE,
            collection: self.collection.id,
            source: source.to_owned(),
            bytes: bytes.into(),
            tags: None,
            dated_at: None,
            force: false,
        }
    }

    pub(crate) async fn ingest(
        &self,
        source: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Ingested, IngestError> {
        self.pipeline.ingest(self.item(source, bytes)).await
    }

    pub(crate) fn document_id(&self, source: &str) -> DocumentId {
        DocumentId::derive(self.collection.id, source)
    }

    pub(crate) async fn document(&self, source: &str) -> Document {
        self.db.document(WORKSPACE, self.document_id(source)).await.expect("the document")
    }

    /// Chunks of all versions of a document in the store.
    pub(crate) async fn stored(&self, source: &str) -> u64 {
        let selection = Selection::Document(WORKSPACE, self.document_id(source));
        self.vectors.count(selection).await.expect("a count")
    }

    fn scope(&self) -> Scope {
        Scope { workspace: WORKSPACE, collections: vec![self.collection.id], filter: Filter::default() }
    }

    /// Tags of the chunks that have `tag`.
    pub(crate) async fn find_tagged(&self, question: &str, tag: &str) -> Vec<Vec<String>> {
        let filter = Filter { tags: vec![tag.to_owned()], ..Filter::default() };
        let scope = Scope { filter, ..self.scope() };
        let terms = self.analyzer.query_terms(question);
        let found = self.vectors.search_sparse(&scope, &terms, 10).await.expect("a search");
        found.into_iter().map(|found| found.chunk.tags).collect()
    }

    pub(crate) async fn find_words(&self, question: &str) -> Vec<ScoredChunk> {
        let terms = self.analyzer.query_terms(question);
        self.vectors.search_sparse(&self.scope(), &terms, 10).await.expect("a search")
    }

    pub(crate) async fn find_meaning(&self, question: &str) -> Vec<ScoredChunk> {
        let vector = self.embedder.embed_query(question).await.expect("a vector");
        self.vectors.search_dense(&self.scope(), &vector, 10).await.expect("a search")
    }
}
