//! What the suites of this room share: a pipeline on real parts in a folder of its own.

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;

use db::Database;
use domain::{
    Analyzer, Collection, Document, DocumentId, Embedder, EmbeddingSpace, Filter, Index, IndexId, Language,
    LanguageCoverage, LiveIndex, Scope, ScoredChunk, Selection, SparseVector, VectorStore, Visibility,
    WorkspaceId,
};
use ingest::{
    Build, ChunkOptions, InProcess, IngestError, IngestItem, Ingested, Originals, Pipeline, PipelineParts,
};
use retriever::analyze::BigramAnalyzer;
use retriever::embed::{EmbedderProfile, FastEmbedder, OnnxFiles, Pooling};
use retriever::store::embedded::EmbeddedStore;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::DEFAULT;

/// A ZIP archive of these members.
pub(crate) fn archive<C: AsRef<[u8]>>(members: &[(&str, C)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in members {
        archive.start_file(*name, options).expect("a member");
        archive.write_all(content.as_ref()).expect("its content");
    }
    archive.finish().expect("an archive").into_inner()
}

/// A pipeline with its parts.
pub(crate) struct Kit {
    pub(crate) db: Database,
    /// The store of the first index.
    pub(crate) vectors: Arc<dyn VectorStore>,
    /// The index that answers.
    pub(crate) index: Arc<LiveIndex>,
    pub(crate) analyzer: Arc<dyn Analyzer>,
    pub(crate) originals: Originals,
    pub(crate) collection: Collection,
    pub(crate) pipeline: Pipeline,
    /// Where everything is; deleted with the kit.
    pub(crate) folder: TempDir,
}

/// The English test embedder, which reads so many tokens and puts `passage_prefix` before a text; `None`, said loudly,
/// where its files are not. Under CI they must be there.
fn embedder(max_tokens: usize, passage_prefix: &str) -> Option<FastEmbedder> {
    let Some(models) = std::env::var_os("DAEDAP_TEST_MODELS").map(PathBuf::from) else {
        assert!(std::env::var_os("CI").is_none(), "DAEDAP_TEST_MODELS is not set");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not `eprintln!`: the harness swallows what a passing test prints. A closed stream leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: DAEDAP_TEST_MODELS is not set");
        return None;
    };
    let model = models.join("all-minilm-l6-v2");
    let files = OnnxFiles {
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
            passage_prefix: passage_prefix.to_owned(),
        },
        coverage: LanguageCoverage::Only(vec![Language::ENGLISH]),
        max_tokens,
        pooling: Pooling::Mean,
        threads: 2,
    };
    Some(FastEmbedder::load(&files, profile).expect("the test embedder loads"))
}

impl Kit {
    /// A kit; `None` where the test models are not.
    pub(crate) async fn new() -> Option<Self> {
        let embedder: Arc<dyn Embedder> = Arc::new(embedder(256, "")?);
        let folder = tempfile::tempdir().expect("a folder");
        let url = db::sqlite_url(&folder.path().join("daedap.db")).expect("a path of text");
        let db = Database::open(&url).await.expect("a database");
        let store = EmbeddedStore::open(&folder.path().join("vectors"), embedder.space()).expect("a store");
        let vectors: Arc<dyn VectorStore> = Arc::new(store);
        let analyzer: Arc<dyn Analyzer> = Arc::new(BigramAnalyzer::new());
        let originals = Originals::in_folder(&folder.path().join("originals")).expect("a place");
        let collection =
            db.ensure_collection(WORKSPACE, "handbook", Visibility::Private).await.expect("a collection");
        let index = Arc::new(LiveIndex::new(Arc::new(Index { vectors: vectors.clone(), embedder })));
        let parts = PipelineParts {
            db: db.clone(),
            index: index.clone(),
            analyzer: analyzer.clone(),
            originals: originals.clone(),
            parser: Arc::new(InProcess),
            chunking: ChunkOptions::default(),
        };
        let pipeline = Pipeline::new(parts);
        Some(Self { db, vectors, index, analyzer, originals, collection, pipeline, folder })
    }

    /// The pipeline with other chunk sizes or another store on the same data, as after a restart.
    pub(crate) fn restarted(&self, vectors: Arc<dyn VectorStore>, chunking: ChunkOptions) -> Pipeline {
        let index = Index { vectors, embedder: self.index.current().embedder.clone() };
        Pipeline::new(PipelineParts {
            db: self.db.clone(),
            index: Arc::new(LiveIndex::new(Arc::new(index))),
            analyzer: self.analyzer.clone(),
            originals: self.originals.clone(),
            parser: Arc::new(InProcess),
            chunking,
        })
    }

    /// Begins an index of another space: a prefix before each passage, and chunks that are a quarter as long.
    pub(crate) async fn begin_build(&self) -> Build {
        let embedder = embedder(64, "passage: ").expect("the kit has one, too");
        let begun = self.db.begin_index("another", embedder.space()).await.expect("begun");
        let store = EmbeddedStore::open(&self.place(begun.id), embedder.space()).expect("a store");
        let index = Index { embedder: Arc::new(embedder), vectors: Arc::new(store) };
        Build { id: begun.id, index: Arc::new(index) }
    }

    fn place(&self, index: IndexId) -> PathBuf {
        self.folder.path().join(index.to_string())
    }

    /// What must hold whenever nobody works: each document has all of its chunks in the index that answers, and that
    /// has no others.
    pub(crate) async fn assert_whole(&self) {
        let vectors = self.index.current().vectors.clone();
        let mut chunks = 0;
        for document in self.db.live_documents_after(WORKSPACE, None, 1_000).await.expect("a list") {
            let live = document.live_version.expect("a listed document has one");
            let stored = vectors.count(Selection::Version(WORKSPACE, live)).await.expect("a count");
            assert_eq!(stored, u64::from(document.chunk_count), "{}", document.source);
            chunks += stored;
        }
        let all = vectors.count(Selection::Workspace(WORKSPACE)).await.expect("a count");
        assert_eq!(all, chunks, "nothing is left that nobody finds");
    }

    pub(crate) fn item(&self, source: &str, bytes: impl Into<Vec<u8>>) -> IngestItem {
        IngestItem {
            workspace: WORKSPACE,
            collection: self.collection.id,
            source: source.to_owned(),
            bytes: bytes.into().into(),
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

    /// Chunks of all versions of a document in the index that answers.
    pub(crate) async fn stored(&self, source: &str) -> u64 {
        let selection = Selection::Document(WORKSPACE, self.document_id(source));
        self.index.current().vectors.count(selection).await.expect("a count")
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope { workspace: WORKSPACE, collections: vec![self.collection.id], filter: Filter::default() }
    }

    /// Tags of the chunks that have `tag`.
    pub(crate) async fn find_tagged(&self, question: &str, tag: &str) -> Vec<Vec<String>> {
        let filter = Filter { tags: vec![tag.to_owned()], ..Filter::default() };
        let scope = Scope { filter, ..self.scope() };
        let terms = self.terms(question);
        let vectors = &self.index.current().vectors;
        let found = vectors.search_sparse(&scope, &terms, 10).await.expect("a search");
        found.into_iter().map(|found| found.chunk.tags).collect()
    }

    fn terms(&self, question: &str) -> SparseVector {
        self.analyzer.query_terms(question, self.analyzer.language(question))
    }

    pub(crate) async fn find_words(&self, question: &str) -> Vec<ScoredChunk> {
        let terms = self.terms(question);
        self.index.current().vectors.search_sparse(&self.scope(), &terms, 10).await.expect("a search")
    }

    pub(crate) async fn find_meaning(&self, question: &str) -> Vec<ScoredChunk> {
        let index = self.index.current();
        let vector = index.embedder.embed_query(question).await.expect("a vector");
        index.vectors.search_dense(&self.scope(), &vector, 10).await.expect("a search")
    }
}
