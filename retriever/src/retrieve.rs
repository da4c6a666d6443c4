//! Retrieves the passages for a question: analyze, search twice, fuse, keep live chunks, weigh the evidence, select.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use db::{Database, DbError};
use domain::{
    Analyzer, CollectionId, DocumentId, EmbedError, Language, LiveIndex, Passage, Scope, ScoredChunk,
    SparseVector, Ticket, VectorStoreError,
};

use crate::admission::Admission;
use crate::evidence::{self, Evidence, Signals};
use crate::fuse::{Fusion, Hits};
use crate::query::{AnalyzedQuery, Query};
use crate::rerank::Reranker;
use crate::select::select;

/// Number of candidates fetched for each passage wanted: some are not live, some are duplicates.
const CANDIDATES_PER_PASSAGE: usize = 5;

/// Minimum number of candidates: fusion needs more than the first few of either ranking. The figures in [`crate::fuse`] were
/// measured with this number.
pub(crate) const MIN_CANDIDATES: usize = 100;

/// Maximum number of candidates, however many are not live.
const MAX_CANDIDATES: usize = 2_000;

/// The passages for a question, and the evidence.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// Best first, all of them live.
    pub passages: Vec<Passage>,
    /// The evidence that they hold the answer.
    pub evidence: Evidence,
    /// The question's language.
    pub language: Language,
    /// The question's terms and, with less weight, those of the questions before it.
    pub terms: SparseVector,
    /// Milliseconds by stage; `dense` and `sparse` run concurrently, `rerank` exists only with a reranker, `total` is the
    /// whole retrieval.
    pub timings_ms: BTreeMap<String, f64>,
}

/// How to search; the defaults are measured.
#[derive(Debug, Clone)]
pub struct RetrievalOptions {
    /// How the two rankings are fused.
    pub fusion: Fusion,
    /// Weight of the dense ranking, 0 to 1; the sparse one has the rest. It has no effect where the embedder does not cover
    /// the question's language, because there is no dense ranking then.
    pub dense_share: f32,
    /// Minimum evidence to answer a question, 0 to 1; a collection may have its own.
    pub evidence_threshold: f32,
    /// Maximum number of questions that are searched for at the same time.
    pub parallel: usize,
    /// Maximum number of tickets ([`Retriever::reserve`]) beyond `parallel`.
    pub queue_length: usize,
}

impl Default for RetrievalOptions {
    fn default() -> Self {
        Self {
            fusion: Fusion::Convex,
            dense_share: 0.5,
            evidence_threshold: evidence::THRESHOLD,
            parallel: 8,
            queue_length: 64,
        }
    }
}

/// What a retriever depends on.
pub struct RetrieverParts {
    /// Knows which versions are live.
    pub db: Database,
    /// The index that serves queries, with its embedder.
    pub index: Arc<LiveIndex>,
    /// The analyzer that documents were analyzed with.
    pub analyzer: Arc<dyn Analyzer>,
    /// Rescores the best candidates, if configured.
    pub reranker: Option<Reranker>,
    /// How to search.
    pub options: RetrievalOptions,
}

/// Retrieves passages. Shared by all requests.
pub struct Retriever {
    parts: RetrieverParts,
    admission: Admission,
}

/// Why retrieval failed, by the part that failed.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    /// Too many questions wait; retrying later helps.
    #[error("too many searches are waiting")]
    Overloaded,
    /// The question could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The vector store failed.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Which searches determine a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchMode {
    /// Cosine of embeddings alone. It finds nothing where the embedder does not cover the question's language.
    Dense,
    /// BM25 alone.
    Sparse,
    /// Both, fused.
    Hybrid,
}

/// The hits of both searches, and how long each took.
pub(crate) struct Searched {
    pub(crate) hits: Hits,
    pub(crate) dense_ms: f64,
    pub(crate) sparse_ms: f64,
}

/// The live candidates, and the passages selected from them.
struct Candidates {
    /// All of them, best first, by the searches alone.
    ranked: Vec<Passage>,
    selected: Vec<Passage>,
}

impl Retriever {
    /// Creates a retriever from its parts.
    pub fn new(parts: RetrieverParts) -> Self {
        let admission = Admission::new(parts.options.parallel, parts.options.queue_length);
        Self { parts, admission }
    }

    /// Reserves a retrieval; to be held until it is done by callers whose number nothing else bounds.
    ///
    /// # Errors
    /// `Overloaded` when as many as the options allow are reserved.
    pub fn reserve(&self) -> Result<Ticket, RetrieveError> {
        self.admission.reserve().ok_or(RetrieveError::Overloaded)
    }

    /// Retrieves the best passages for a question, by both searches, once a slot is free.
    pub async fn retrieve(&self, query: &Query) -> Result<Retrieved, RetrieveError> {
        let _slot = self.admission.enter().await;
        let started = Instant::now();
        let analyzed = self.analyze(query);
        let mut timings_ms = BTreeMap::from([("analyze".to_owned(), milliseconds(started))]);
        let vectors = analyzed.index.vectors.as_ref();
        let (candidates, idf, thresholds) = tokio::try_join!(
            self.candidates(&analyzed, query, &mut timings_ms),
            async { Ok(evidence::look_up_idf(vectors, &analyzed.terms).await?) },
            self.thresholds(&query.scope),
        )?;
        let analyzer = self.parts.analyzer.as_ref();
        let ranked = &candidates.ranked;
        let variants = analyzed.term_variants();
        let signals = Signals {
            coverage: evidence::coverage(ranked, &variants, &idf, analyzer, analyzed.language),
            similarity: analyzed.is_covered().then(|| evidence::similarity(ranked)),
        };
        let best_collection = ranked.first().map(|best| best.chunk.collection);
        let evidence = Evidence::weigh(signals, self.threshold(&thresholds, best_collection));
        let passages = self.rerank(&analyzed, query.limit, candidates, &mut timings_ms).await;
        timings_ms.insert("total".to_owned(), milliseconds(started));
        Ok(Retrieved { passages, evidence, language: analyzed.language, terms: analyzed.terms, timings_ms })
    }

    /// Flushes the live index; see [`domain::VectorStore::flush`].
    pub(crate) async fn flush(&self) -> Result<(), RetrieveError> {
        Ok(self.parts.index.current().vectors.flush().await?)
    }

    /// How it searches.
    pub fn options(&self) -> &RetrievalOptions {
        &self.parts.options
    }

    /// The evidence threshold of questions whose best passage is in the first collection of `scope`.
    pub async fn threshold_in(&self, scope: &Scope) -> Result<f32, RetrieveError> {
        Ok(self.threshold(&self.thresholds(scope).await?, scope.collections.first().copied()))
    }

    /// The thresholds that collections set themselves.
    async fn thresholds(&self, scope: &Scope) -> Result<HashMap<CollectionId, f64>, RetrieveError> {
        Ok(self.parts.db.evidence_thresholds(scope.workspace).await?)
    }

    fn threshold(
        &self,
        of_collections: &HashMap<CollectionId, f64>,
        collection: Option<CollectionId>,
    ) -> f32 {
        let own = collection.and_then(|collection| of_collections.get(&collection));
        own.map_or(self.parts.options.evidence_threshold, |threshold| *threshold as f32)
    }

    /// Analyzes a question, and chooses the live index for its searches.
    pub(crate) fn analyze(&self, query: &Query) -> AnalyzedQuery {
        AnalyzedQuery::new(query, self.parts.analyzer.as_ref(), self.parts.index.current())
    }

    /// Searches for more candidates until enough live passages without duplicates are found, or there are no more.
    async fn candidates(
        &self,
        analyzed: &AnalyzedQuery,
        query: &Query,
        timings_ms: &mut BTreeMap<String, f64>,
    ) -> Result<Candidates, RetrieveError> {
        let mut limit = (query.limit * CANDIDATES_PER_PASSAGE).clamp(MIN_CANDIDATES, MAX_CANDIDATES);
        loop {
            let searched = self.search(analyzed, &query.scope, limit).await?;
            timings_ms.insert("dense".to_owned(), searched.dense_ms);
            timings_ms.insert("sparse".to_owned(), searched.sparse_ms);
            let is_exhausted = searched.hits.max_len() < limit || limit == MAX_CANDIDATES;
            let ranked = self.rank(searched.hits, SearchMode::Hybrid);
            let started = Instant::now();
            let ranked = self.keep_live(&query.scope, ranked).await?;
            timings_ms.insert("live".to_owned(), milliseconds(started));
            let selected = select(&ranked, query.limit, self.parts.analyzer.as_ref());
            if selected.len() >= query.limit || is_exhausted {
                return Ok(Candidates { ranked, selected });
            }
            limit = (limit * 4).min(MAX_CANDIDATES);
        }
    }

    /// Selects the passages after reranking, if configured. Evidence is weighed before: its threshold was measured on the
    /// ranking of the searches.
    async fn rerank(
        &self,
        analyzed: &AnalyzedQuery,
        limit: usize,
        candidates: Candidates,
        timings_ms: &mut BTreeMap<String, f64>,
    ) -> Vec<Passage> {
        let Some(reranker) = &self.parts.reranker else { return candidates.selected };
        let started = Instant::now();
        let ranked = reranker.rerank(&analyzed.joined_text(), candidates.ranked).await;
        timings_ms.insert("rerank".to_owned(), milliseconds(started));
        select(&ranked, limit, self.parts.analyzer.as_ref())
    }

    /// Runs both searches concurrently, each with the scope inside.
    pub(crate) async fn search(
        &self,
        analyzed: &AnalyzedQuery,
        scope: &Scope,
        limit: usize,
    ) -> Result<Searched, RetrieveError> {
        let vectors = analyzed.index.vectors.as_ref();
        let started = Instant::now();
        let dense = async {
            let hits = self.search_dense(analyzed, scope, limit).await?;
            Ok::<_, RetrieveError>((hits, milliseconds(started)))
        };
        let sparse = async {
            let hits = vectors.search_sparse(scope, &analyzed.terms, limit).await?;
            Ok((hits, milliseconds(started)))
        };
        let ((dense, dense_ms), (sparse, sparse_ms)) = tokio::try_join!(dense, sparse)?;
        Ok(Searched { hits: Hits { dense, sparse }, dense_ms, sparse_ms })
    }

    async fn search_dense(
        &self,
        analyzed: &AnalyzedQuery,
        scope: &Scope,
        limit: usize,
    ) -> Result<Option<Vec<ScoredChunk>>, RetrieveError> {
        if !analyzed.is_covered() {
            return Ok(None);
        }
        let vector = analyzed.embed().await?;
        Ok(Some(analyzed.index.vectors.search_dense(scope, &vector, limit).await?))
    }

    /// Fuses the hits that `mode` uses into one ranking.
    pub(crate) fn rank(&self, hits: Hits, mode: SearchMode) -> Vec<Passage> {
        let hits = match mode {
            SearchMode::Hybrid => hits,
            SearchMode::Sparse => Hits { dense: None, ..hits },
            SearchMode::Dense => Hits { sparse: Vec::new(), ..hits },
        };
        self.parts.options.fusion.fuse(hits, self.parts.options.dense_share)
    }

    /// Keeps the passages whose version is live.
    pub(crate) async fn keep_live(
        &self,
        scope: &Scope,
        passages: Vec<Passage>,
    ) -> Result<Vec<Passage>, RetrieveError> {
        let documents: BTreeSet<DocumentId> = passages.iter().map(|passage| passage.chunk.document).collect();
        let documents: Vec<DocumentId> = documents.into_iter().collect();
        let live = self.parts.db.live_versions(scope.workspace, &documents).await?;
        let is_live = |passage: &Passage| live.get(&passage.chunk.document) == Some(&passage.chunk.version);
        Ok(passages.into_iter().filter(is_live).collect())
    }
}

pub(crate) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
