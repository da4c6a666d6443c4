//! Stores documents, and asks questions about them.

use std::sync::Arc;

use db::{BegunVersion, Database, NewVersion};
use domain::{
    Analyzer, Chunk, ChunkId, ChunkPoint, CollectionId, DocumentId, Embedder, Filter, Index, LiveIndex,
    Scope, VectorStore, VersionId, Visibility, WorkspaceId,
};
use retriever::analyze::BigramAnalyzer;
use retriever::store::embedded::EmbeddedStore;
use retriever::{Query, Reranker, RetrievalOptions, Retrieved, Retriever, RetrieverParts};

use crate::kit;

pub(crate) const WORKSPACE: WorkspaceId = WorkspaceId::DEFAULT;

/// A knowledge base in a temporary folder.
pub(crate) struct KnowledgeBase {
    pub(crate) db: Database,
    vectors: Arc<EmbeddedStore>,
    embedder: Arc<dyn Embedder>,
    analyzer: Arc<BigramAnalyzer>,
    pub(crate) collection: CollectionId,
    _folder: tempfile::TempDir,
}

impl KnowledgeBase {
    pub(crate) async fn open() -> Option<Self> {
        let embedder = kit::embedder()?;
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&db::sqlite_url(&folder.path().join("daedap.db")).unwrap()).await.unwrap();
        let collection = db.ensure_collection(WORKSPACE, "handbook", Visibility::Private).await.unwrap().id;
        let vectors = EmbeddedStore::open(&folder.path().join("vectors"), embedder.space()).unwrap();
        Some(Self {
            db,
            vectors: Arc::new(vectors),
            embedder: Arc::new(embedder),
            analyzer: Arc::new(BigramAnalyzer::new()),
            collection,
            _folder: folder,
        })
    }

    /// Stores a version of the document at `source`, one chunk for each text.
    pub(crate) async fn write(&self, source: &str, texts: &[&str]) -> VersionId {
        let text = texts.join("\n\n");
        let new = NewVersion {
            workspace: WORKSPACE,
            collection: self.collection,
            source: source.to_owned(),
            title: source.to_owned(),
            content_hash: format!("{text:?}"),
            language: self.analyzer.language(&text),
            text,
            page_starts: Vec::new(),
            tags: Vec::new(),
            dated_at: None,
            force: false,
        };
        let BegunVersion::Pending(version) = self.db.begin_version(new).await.unwrap() else {
            panic!("every version in these tests has its own text");
        };
        let mut points = Vec::new();
        for (position, text) in (0..).zip(texts) {
            points.push(self.point(source, version.id, position, text).await);
        }
        self.vectors.upsert(points).await.unwrap();
        version.id
    }

    async fn point(&self, source: &str, version: VersionId, position: u32, text: &str) -> ChunkPoint {
        let language = self.analyzer.language(text);
        let dense = match self.embedder.coverage().covers(language) {
            true => self.embedder.embed_passages(vec![text.to_owned()]).await.unwrap().pop(),
            false => None,
        };
        let chunk = Chunk {
            id: ChunkId::derive(version, position),
            workspace: WORKSPACE,
            collection: self.collection,
            document: DocumentId::derive(self.collection, source),
            version,
            position,
            title: source.to_owned(),
            source: source.to_owned(),
            heading_path: Vec::new(),
            page: None,
            language,
            tags: Vec::new(),
            dated_at: jiff::Timestamp::UNIX_EPOCH,
            text: text.to_owned(),
        };
        let sparse = self.analyzer.document_terms((&chunk).into());
        ChunkPoint { chunk, dense, sparse }
    }

    pub(crate) async fn publish(&self, source: &str, texts: &[&str]) {
        let version = self.write(source, texts).await;
        self.db.publish_version(WORKSPACE, version, texts.len() as u32).await.unwrap();
    }

    pub(crate) async fn ask_for(&self, text: &str, limit: usize) -> Retrieved {
        self.ask_within(Filter::default(), text, limit).await
    }

    pub(crate) async fn ask_within(&self, filter: Filter, text: &str, limit: usize) -> Retrieved {
        let scope = Scope { filter, ..self.scope() };
        self.retrieve(Query { text: text.to_owned(), earlier: Vec::new(), scope, limit }).await
    }

    pub(crate) async fn ask_in(&self, collections: Vec<CollectionId>, text: &str, limit: usize) -> Retrieved {
        let scope = Scope { collections, ..self.scope() };
        self.retrieve(Query { text: text.to_owned(), earlier: Vec::new(), scope, limit }).await
    }

    /// The passages of the last of these questions of one conversation.
    pub(crate) async fn ask_after(&self, earlier: &[&str], text: &str) -> Vec<String> {
        let earlier = earlier.iter().map(|question| (*question).to_owned()).collect();
        let scope = self.scope();
        texts(&self.retrieve(Query { text: text.to_owned(), earlier, scope, limit: 5 }).await)
    }

    fn scope(&self) -> Scope {
        Scope { workspace: WORKSPACE, collections: vec![self.collection], filter: Filter::default() }
    }

    async fn retrieve(&self, query: Query) -> Retrieved {
        self.retrieve_with(None, query).await
    }

    /// The best passages of all, read again by this reranker.
    pub(crate) async fn ask_reranked(&self, reranker: Reranker, text: &str, limit: usize) -> Retrieved {
        let query = Query { text: text.to_owned(), earlier: Vec::new(), scope: self.scope(), limit };
        self.retrieve_with(Some(reranker), query).await
    }

    async fn retrieve_with(&self, reranker: Option<Reranker>, query: Query) -> Retrieved {
        let retriever = Retriever::new(RetrieverParts {
            db: self.db.clone(),
            index: Arc::new(LiveIndex::new(Arc::new(Index {
                vectors: Arc::clone(&self.vectors) as Arc<dyn VectorStore>,
                embedder: Arc::clone(&self.embedder),
            }))),
            analyzer: Arc::clone(&self.analyzer) as Arc<dyn Analyzer>,
            reranker,
            options: RetrievalOptions::default(),
        });
        retriever.retrieve(&query).await.unwrap()
    }

    pub(crate) async fn ask(&self, text: &str) -> Vec<String> {
        texts(&self.ask_for(text, 5).await)
    }
}

pub(crate) fn texts(retrieved: &Retrieved) -> Vec<String> {
    retrieved.passages.iter().map(|passage| passage.chunk.text.clone()).collect()
}
