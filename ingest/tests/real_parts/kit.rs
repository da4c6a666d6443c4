//! Sets up a pipeline with real parts in a temporary folder.

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
    Build, ChunkOptions, DocumentRemoval, IngestContext, IngestError, IngestItem, IngestParts, Ingested,
    Originals, Pipeline, Reindex, ReindexProgress, ReindexReport, Sweep, TagUpdate, TombstoneFile,
    VersionRestore,
};
use parse::InProcess;
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

/// A context with its parts.
pub(crate) struct Kit {
    pub(crate) db: Database,
    /// The store of the first index.
    pub(crate) vectors: Arc<dyn VectorStore>,
    /// The live index.
    pub(crate) index: Arc<LiveIndex>,
    pub(crate) analyzer: Arc<dyn Analyzer>,
    pub(crate) originals: Originals,
    pub(crate) collection: Collection,
    pub(crate) context: IngestContext,
    pub(crate) pipeline: Pipeline,
    /// Holds all of its data; deleted with the kit.
    pub(crate) folder: TempDir,
}

/// The English test embedder with this maximum of tokens and this prefix; `None`, with a message, where its files are
/// missing. Under CI they must exist.
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
    /// A kit; `None` where the test models are missing.
    pub(crate) async fn new() -> Option<Self> {
        let embedder: Arc<dyn Embedder> = Arc::new(embedder(256, "")?);
        let folder = tempfile::tempdir().expect("a folder");
        let url = db::sqlite_url(&folder.path().join("daedap.db")).expect("a path of text");
        let db = Database::open(&url).await.expect("a database");
        let store = EmbeddedStore::open(&folder.path().join("vectors"), embedder.space()).expect("a store");
        let vectors: Arc<dyn VectorStore> = Arc::new(store);
        let analyzer: Arc<dyn Analyzer> = Arc::new(BigramAnalyzer::new());
        let originals = Originals::in_folder(&folder.path().join("originals")).expect("a store");
        let collection =
            db.ensure_collection(WORKSPACE, "handbook", Visibility::Private).await.expect("a collection");
        let index = Arc::new(LiveIndex::new(Arc::new(Index { vectors: vectors.clone(), embedder })));
        let context = IngestContext::new(IngestParts {
            db: db.clone(),
            index: index.clone(),
            analyzer: analyzer.clone(),
            originals: originals.clone(),
            parser: Arc::new(InProcess),
            pages: Arc::new(InProcess),
            chunking: ChunkOptions::default(),
            tombstones: TombstoneFile::new(folder.path().join("erasures.jsonl")),
            keep_versions: 20,
        });
        let pipeline = Pipeline::new(&context);
        Some(Self { db, vectors, index, analyzer, originals, collection, context, pipeline, folder })
    }

    /// A pipeline with other chunk sizes or another store over the same data, as after a restart.
    pub(crate) fn restarted(&self, vectors: Arc<dyn VectorStore>, chunking: ChunkOptions) -> Pipeline {
        Pipeline::new(&self.context_of(vectors, chunking))
    }

    /// The kit's parts with another store and other chunk sizes.
    pub(crate) fn context_of(&self, vectors: Arc<dyn VectorStore>, chunking: ChunkOptions) -> IngestContext {
        let index = Index { vectors, embedder: self.index.current().embedder.clone() };
        IngestContext::new(IngestParts {
            db: self.db.clone(),
            index: Arc::new(LiveIndex::new(Arc::new(index))),
            analyzer: self.analyzer.clone(),
            originals: self.originals.clone(),
            parser: Arc::new(InProcess),
            pages: Arc::new(InProcess),
            chunking,
            tombstones: TombstoneFile::new(self.folder.path().join("erasures.jsonl")),
            keep_versions: 20,
        })
    }

    /// Begins an index of another space: passages have a prefix, and chunks are a quarter as long.
    pub(crate) async fn begin_build(&self) -> Build {
        let embedder = embedder(64, "passage: ").expect("the kit has one, too");
        let begun = self.db.begin_index("another", embedder.space()).await.expect("begun");
        let store = EmbeddedStore::open(&self.index_dir(begun.id), embedder.space()).expect("a store");
        let index = Index { embedder: Arc::new(embedder), vectors: Arc::new(store) };
        Build { id: begun.id, index: Arc::new(index) }
    }

    fn index_dir(&self, index: IndexId) -> PathBuf {
        self.folder.path().join(index.to_string())
    }

    /// Asserts what must hold whenever no job runs: the live index has all chunks of each document, and no others.
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
        assert_eq!(all, chunks, "no chunk is left that no search returns");
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

    pub(crate) async fn remove(&self, document: DocumentId) -> Result<(), IngestError> {
        DocumentRemoval::new(&self.context).remove(WORKSPACE, document).await
    }

    pub(crate) async fn sweep(&self) -> Result<u64, IngestError> {
        Sweep::new(&self.context).run().await
    }

    pub(crate) async fn update_tags(
        &self,
        document: DocumentId,
        tags: Vec<String>,
    ) -> Result<Ingested, IngestError> {
        TagUpdate::new(&self.context).update_tags(WORKSPACE, document, tags, None).await
    }

    pub(crate) async fn restore_version(
        &self,
        document: DocumentId,
        number: u32,
    ) -> Result<Ingested, IngestError> {
        VersionRestore::new(&self.context).restore_version(WORKSPACE, document, number).await
    }

    pub(crate) async fn reindex(
        &self,
        build: &Build,
        on_progress: impl FnMut(ReindexProgress) + Send,
    ) -> Result<ReindexReport, IngestError> {
        Reindex::new(&self.context).run(build, on_progress).await
    }

    pub(crate) fn document_id(&self, source: &str) -> DocumentId {
        DocumentId::derive(self.collection.id, source)
    }

    pub(crate) async fn document(&self, source: &str) -> Document {
        self.db.document(WORKSPACE, self.document_id(source)).await.expect("the document")
    }

    /// Chunks of all versions of a document in the live index.
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
