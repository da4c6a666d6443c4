//! The way of a question: analyse and embed, search twice, fuse, keep what is live, weigh the evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use db::{Database, DbError};
use domain::{
    Analyzer, DocumentId, EmbedError, FieldedText, Index, Language, LiveIndex, Passage, Scope, ScoredChunk,
    SparseVector, VectorStoreError,
};

use crate::evidence::{self, Evidence, Signals};
use crate::fuse::{Found, fuse};

/// Characters of a question that are searched for. Longer texts are pasted documents; their beginning says enough.
const QUERY_CHARACTERS: usize = 4_000;

/// Candidates fetched for each passage wanted: some are not live any more, some say the same.
const CANDIDATES_PER_PASSAGE: usize = 5;

/// Fewest candidates fetched: fusion needs to see beyond the first few of either ranking. The figures in
/// [`crate::fuse`] were measured with as many.
pub(crate) const FEWEST_CANDIDATES: usize = 100;

/// Most candidates fetched, however many turn out not to be live.
const MOST_CANDIDATES: usize = 2_000;

/// Share of common terms from which two passages say the same.
const SAME_TEXT: f32 = 0.95;

/// A question and where to look.
#[derive(Debug, Clone)]
pub struct Query {
    /// The question, any length; [`Retriever::retrieve`] reads its first 4,000 characters.
    pub text: String,
    /// What may be found.
    pub scope: Scope,
    /// Most passages wanted.
    pub limit: usize,
}

/// Which searches decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Cosine of embeddings alone. Finds nothing where the embedder does not cover the question's language.
    Dense,
    /// BM25 alone.
    Sparse,
    /// Both, fused.
    Hybrid,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// Best first, all of them live.
    pub passages: Vec<Passage>,
    /// Whether they can hold the answer.
    pub evidence: Evidence,
    /// The question's language.
    pub language: Language,
    /// Milliseconds by stage; `dense` and `sparse` run at the same time, `total` is all of it.
    pub timings_ms: BTreeMap<String, f64>,
}

/// How to search; the defaults are measured.
#[derive(Debug, Clone)]
pub struct RetrievalOptions {
    /// Weight of the dense ranking in the fused one, 0 to 1; the sparse one has the rest. Where the embedder does
    /// not cover the question's language there is no dense ranking, whatever stands here.
    pub dense_share: f32,
    /// Evidence from which a question is answered, 0 to 1.
    pub evidence_threshold: f32,
}

impl Default for RetrievalOptions {
    fn default() -> Self {
        Self { dense_share: 0.5, evidence_threshold: evidence::THRESHOLD }
    }
}

/// What a retriever is made of.
pub struct RetrieverParts {
    /// Says which versions are live.
    pub db: Database,
    /// The index that answers, with its embedder.
    pub index: Arc<LiveIndex>,
    /// The one that documents were analysed with.
    pub analyzer: Arc<dyn Analyzer>,
    /// How to search.
    pub options: RetrievalOptions,
}

/// Finds passages. Shared by all requests.
pub struct Retriever {
    parts: RetrieverParts,
}

/// Why nothing could be searched. Each holds what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    /// The question has no vector.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index did not answer.
    #[error(transparent)]
    Vectors(#[from] VectorStoreError),
    /// The database did not say what is live.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A question, read once, and the index that is asked: the same one for its whole way.
pub(crate) struct Read {
    index: Arc<Index>,
    text: String,
    pub(crate) language: Language,
    terms: SparseVector,
}

/// What both searches found, and how long each took from the start.
pub(crate) struct Searched {
    pub(crate) found: Found,
    pub(crate) dense_ms: f64,
    pub(crate) sparse_ms: f64,
}

impl Read {
    /// Whether the embedder knows the question's language.
    fn is_covered(&self) -> bool {
        self.index.embedder.coverage().covers(self.language)
    }
}

impl Retriever {
    /// A retriever of these parts.
    pub fn new(parts: RetrieverParts) -> Self {
        Self { parts }
    }

    /// The passages that answer a question best, by both searches.
    pub async fn retrieve(&self, query: &Query) -> Result<Retrieved, RetrieveError> {
        self.retrieve_with(query, System::Hybrid).await
    }

    /// The same by one system, for comparison.
    pub async fn retrieve_with(&self, query: &Query, system: System) -> Result<Retrieved, RetrieveError> {
        let started = Instant::now();
        let read = self.read(&query.text);
        let mut timings_ms = BTreeMap::from([("analyze".to_owned(), milliseconds(started))]);
        let (passages, rarity) = tokio::try_join!(
            self.live_passages(&read, query, system, &mut timings_ms),
            evidence::rarity(
                read.index.vectors.as_ref(),
                self.parts.analyzer.as_ref(),
                &query.scope,
                &read.terms
            ),
        )?;
        let evidence = Evidence::weigh(
            Signals {
                coverage: evidence::coverage(&passages, &rarity, self.parts.analyzer.as_ref(), read.language),
                closeness: read.is_covered().then(|| evidence::closeness(&passages)),
            },
            self.parts.options.evidence_threshold,
        );
        timings_ms.insert("total".to_owned(), milliseconds(started));
        Ok(Retrieved { passages, evidence, language: read.language, timings_ms })
    }

    pub(crate) fn read(&self, text: &str) -> Read {
        let text: String = text.chars().take(QUERY_CHARACTERS).collect();
        let analyzer = &self.parts.analyzer;
        Read {
            index: self.parts.index.current(),
            language: analyzer.language(&text),
            terms: analyzer.query_terms(&text),
            text,
        }
    }

    /// Searches deeper until there are enough live passages or there is nothing left to find.
    async fn live_passages(
        &self,
        read: &Read,
        query: &Query,
        system: System,
        timings_ms: &mut BTreeMap<String, f64>,
    ) -> Result<Vec<Passage>, RetrieveError> {
        let mut candidates = (query.limit * CANDIDATES_PER_PASSAGE).clamp(FEWEST_CANDIDATES, MOST_CANDIDATES);
        loop {
            let searched = self.search(read, &query.scope, candidates).await?;
            timings_ms.insert("dense".to_owned(), searched.dense_ms);
            timings_ms.insert("sparse".to_owned(), searched.sparse_ms);
            let is_exhausted = searched.found.longest() < candidates || candidates == MOST_CANDIDATES;
            let ranked = self.rank(searched.found, system);
            let started = Instant::now();
            let live = self.live(&query.scope, ranked).await?;
            timings_ms.insert("live".to_owned(), milliseconds(started));
            let passages = self.distinct(live, query.limit);
            if passages.len() >= query.limit || is_exhausted {
                return Ok(passages);
            }
            candidates = (candidates * 4).min(MOST_CANDIDATES);
        }
    }

    /// Both searches at the same time, each with the scope inside.
    pub(crate) async fn search(
        &self,
        read: &Read,
        scope: &Scope,
        limit: usize,
    ) -> Result<Searched, RetrieveError> {
        let vectors = read.index.vectors.as_ref();
        let started = Instant::now();
        let dense = async {
            let found = self.search_dense(read, scope, limit).await?;
            Ok::<_, RetrieveError>((found, milliseconds(started)))
        };
        let sparse = async {
            let found = vectors.search_sparse(scope, &read.terms, limit).await?;
            Ok((found, milliseconds(started)))
        };
        let ((dense, dense_ms), (sparse, sparse_ms)) = tokio::try_join!(dense, sparse)?;
        Ok(Searched { found: Found { dense, sparse }, dense_ms, sparse_ms })
    }

    async fn search_dense(
        &self,
        read: &Read,
        scope: &Scope,
        limit: usize,
    ) -> Result<Option<Vec<ScoredChunk>>, RetrieveError> {
        if !read.is_covered() {
            return Ok(None);
        }
        let vector = read.index.embedder.embed_query(&read.text).await?;
        Ok(Some(read.index.vectors.search_dense(scope, &vector, limit).await?))
    }

    /// One ranking of what was found.
    pub(crate) fn rank(&self, found: Found, system: System) -> Vec<Passage> {
        let found = match system {
            System::Hybrid => found,
            System::Sparse => Found { dense: None, ..found },
            System::Dense => Found { sparse: Vec::new(), ..found },
        };
        fuse(found, self.parts.options.dense_share)
    }

    /// Those whose version is the one that answers.
    pub(crate) async fn live(
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

    /// The first `limit` that do not repeat a better one. Copies of a page would crowd out everything else.
    fn distinct(&self, passages: Vec<Passage>, limit: usize) -> Vec<Passage> {
        let mut kept = Vec::new();
        let mut kept_terms = Vec::<SparseVector>::new();
        for passage in passages {
            if kept.len() == limit {
                break;
            }
            let text = FieldedText { title: "", heading_path: &[], body: &passage.chunk.text };
            let terms = self.parts.analyzer.document_terms(text);
            if kept_terms.iter().all(|other| overlap(other, &terms) < SAME_TEXT) {
                kept.push(passage);
                kept_terms.push(terms);
            }
        }
        kept
    }
}

/// Share of the terms of both that are in both, 0 to 1 (Jaccard).
fn overlap(a: &SparseVector, b: &SparseVector) -> f32 {
    let common = a.indices.iter().filter(|&&term| b.weight(term) > 0.0).count();
    let all = a.indices.len() + b.indices.len() - common;
    if all == 0 { 1.0 } else { common as f32 / all as f32 }
}

pub(crate) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
