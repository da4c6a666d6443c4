//! The way of a question: analyse and embed, search twice, fuse, keep what is live, weigh the evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use db::{Database, DbError};
use domain::{
    Analyzer, CollectionId, DocumentId, EmbedError, Embedder, Index, Language, LiveIndex, Passage, Scope,
    ScoredChunk, SparseVector, VectorStoreError,
};

use futures::future::try_join_all;

use crate::evidence::{self, Evidence, Signals};
use crate::fuse::{Found, Fusion};
use crate::rerank::Reranker;
use crate::select::select;

/// Characters of a question that are searched for. Longer texts are pasted documents; their beginning says enough.
const QUERY_CHARACTERS: usize = 4_000;

/// Candidates fetched for each passage wanted: some are not live any more, some say the same.
const CANDIDATES_PER_PASSAGE: usize = 5;

/// Fewest candidates fetched: fusion needs to see beyond the first few of either ranking. The figures in
/// [`crate::fuse`] were measured with as many.
pub(crate) const FEWEST_CANDIDATES: usize = 100;

/// Most candidates fetched, however many turn out not to be live.
const MOST_CANDIDATES: usize = 2_000;

/// What the questions before count for beside a new one, the last one first; older ones are not read.
///
/// Carrying them along with less weight serves follow-ups and new subjects alike, without guessing which one it is. On
/// `examples/follow-ups/` by terms alone (recall@1/@4): the question alone .56/.82, joined to the one before
/// where it seemed to lean on it .69/.91, all of it alike .74/.96, weighted .79/.96.
const EARLIER_WEIGHTS: [f32; 2] = [0.5, 0.3];

/// A question and where to look.
#[derive(Debug, Clone)]
pub struct Query {
    /// The question, any length; [`Retriever::retrieve`] reads its first 4,000 characters.
    pub text: String,
    /// The questions before it in its conversation, oldest first. The last two are searched along, with less weight.
    pub earlier: Vec<String>,
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
    /// The question's terms and, weighing less, those of the questions before it.
    pub terms: SparseVector,
    /// Milliseconds by stage; `dense` and `sparse` run at the same time, `rerank` is there where a reranker is, `total`
    /// is all of it.
    pub timings_ms: BTreeMap<String, f64>,
}

/// How to search; the defaults are measured.
#[derive(Debug, Clone)]
pub struct RetrievalOptions {
    /// How the two rankings become one.
    pub fusion: Fusion,
    /// Weight of the dense ranking in the fused one, 0 to 1; the sparse one has the rest. Where the embedder does
    /// not cover the question's language there is no dense ranking, whatever stands here.
    pub dense_share: f32,
    /// Evidence from which a question is answered, 0 to 1; a collection may have its own.
    pub evidence_threshold: f32,
}

impl Default for RetrievalOptions {
    fn default() -> Self {
        Self { fusion: Fusion::Convex, dense_share: 0.5, evidence_threshold: evidence::THRESHOLD }
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
    /// Reads the best candidates again, where one is wanted.
    pub reranker: Option<Reranker>,
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
    pub(crate) language: Language,
    /// The question and those before it, as they are embedded, with what each counts for.
    texts: Vec<(String, f32)>,
    /// The terms of the question alone.
    own_terms: SparseVector,
    /// The terms of all of them.
    terms: SparseVector,
}

/// What both searches found, and how long each took from the start.
pub(crate) struct Searched {
    pub(crate) found: Found,
    pub(crate) dense_ms: f64,
    pub(crate) sparse_ms: f64,
}

/// What was found and is live.
struct Live {
    /// All of it, best first, by the searches alone.
    ranked: Vec<Passage>,
    /// What of it is worth reading.
    selected: Vec<Passage>,
}

impl Read {
    /// Whether the embedder knows the question's language.
    fn is_covered(&self) -> bool {
        self.index.embedder.coverage().covers(self.language)
    }

    /// What was asked: the question alone, and with those before it.
    fn asked(&self) -> [&SparseVector; 2] {
        [&self.own_terms, &self.terms]
    }

    /// The question with those before it, for a model that reads one text. The new one comes first: of what is too
    /// long, the end is cut off.
    fn as_one_text(&self) -> String {
        self.texts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl Retriever {
    /// A retriever of these parts.
    pub fn new(parts: RetrieverParts) -> Self {
        Self { parts }
    }

    /// The passages that answer a question best, by both searches.
    pub async fn retrieve(&self, query: &Query) -> Result<Retrieved, RetrieveError> {
        let started = Instant::now();
        let read = self.read(query);
        let mut timings_ms = BTreeMap::from([("analyze".to_owned(), milliseconds(started))]);
        let vectors = read.index.vectors.as_ref();
        let (live, rarity, thresholds) = tokio::try_join!(
            self.live(&read, query, &mut timings_ms),
            async { Ok(evidence::rarity(vectors, &read.terms).await?) },
            self.thresholds(&query.scope),
        )?;
        let analyzer = self.parts.analyzer.as_ref();
        let signals = Signals {
            coverage: evidence::coverage(&live.ranked, &read.asked(), &rarity, analyzer, read.language),
            closeness: read.is_covered().then(|| evidence::closeness(&live.ranked)),
        };
        let best = live.ranked.first().map(|best| best.chunk.collection);
        let evidence = Evidence::weigh(signals, self.threshold(&thresholds, best));
        let passages = self.reranked(&read, query.limit, live, &mut timings_ms).await;
        timings_ms.insert("total".to_owned(), milliseconds(started));
        Ok(Retrieved { passages, evidence, language: read.language, terms: read.terms, timings_ms })
    }

    /// See [`domain::VectorStore::flush`].
    pub(crate) async fn flush(&self) -> Result<(), RetrieveError> {
        Ok(self.parts.index.current().vectors.flush().await?)
    }

    /// How it searches.
    pub fn options(&self) -> &RetrievalOptions {
        &self.parts.options
    }

    /// Evidence from which a question is answered whose best passage is in the first collection of `scope`.
    pub async fn threshold_in(&self, scope: &Scope) -> Result<f32, RetrieveError> {
        Ok(self.threshold(&self.thresholds(scope).await?, scope.collections.first().copied()))
    }

    /// The thresholds that collections have of their own: few, so they are read while the searches run.
    async fn thresholds(&self, scope: &Scope) -> Result<HashMap<CollectionId, f64>, RetrieveError> {
        Ok(self.parts.db.evidence_thresholds(scope.workspace).await?)
    }

    fn threshold(&self, own: &HashMap<CollectionId, f64>, collection: Option<CollectionId>) -> f32 {
        let own = collection.and_then(|collection| own.get(&collection));
        own.map_or(self.parts.options.evidence_threshold, |threshold| *threshold as f32)
    }

    pub(crate) fn read(&self, query: &Query) -> Read {
        let analyzer = &self.parts.analyzer;
        let earlier = query.earlier.iter().rev().zip(EARLIER_WEIGHTS);
        let texts = std::iter::once((&query.text, 1.0)).chain(earlier).map(|(text, weight)| {
            let beginning: String = text.chars().take(QUERY_CHARACTERS).collect();
            // The embedder reads what the analyzer reads: a spelling that only looks alike must find the same.
            (analyzer.normalize(&beginning), weight)
        });
        let texts: Vec<(String, f32)> = texts.collect();
        let languages: Vec<Language> = texts.iter().map(|(text, _)| analyzer.language(text)).collect();
        let terms = texts.iter().zip(&languages);
        let terms = terms.map(|((text, weight), language)| (analyzer.query_terms(text, *language), *weight));
        let terms: Vec<(SparseVector, f32)> = terms.collect();
        Read {
            index: self.parts.index.current(),
            language: languages[0],
            own_terms: terms[0].0.clone(),
            terms: heaviest(terms.into_iter()),
            texts,
        }
    }

    /// Searches deeper until enough passages are live and say something new, or there is nothing left to find.
    async fn live(
        &self,
        read: &Read,
        query: &Query,
        timings_ms: &mut BTreeMap<String, f64>,
    ) -> Result<Live, RetrieveError> {
        let mut candidates = (query.limit * CANDIDATES_PER_PASSAGE).clamp(FEWEST_CANDIDATES, MOST_CANDIDATES);
        loop {
            let searched = self.search(read, &query.scope, candidates).await?;
            timings_ms.insert("dense".to_owned(), searched.dense_ms);
            timings_ms.insert("sparse".to_owned(), searched.sparse_ms);
            let is_exhausted = searched.found.longest() < candidates || candidates == MOST_CANDIDATES;
            let ranked = self.rank(searched.found, System::Hybrid);
            let started = Instant::now();
            let ranked = self.only_live(&query.scope, ranked).await?;
            timings_ms.insert("live".to_owned(), milliseconds(started));
            let selected = select(&ranked, query.limit, self.parts.analyzer.as_ref());
            if selected.len() >= query.limit || is_exhausted {
                return Ok(Live { ranked, selected });
            }
            candidates = (candidates * 4).min(MOST_CANDIDATES);
        }
    }

    /// The passages to read, after a second look at the candidates where one is wanted. Evidence was weighed before it:
    /// its threshold was measured on the order of the searches.
    async fn reranked(
        &self,
        read: &Read,
        limit: usize,
        live: Live,
        timings_ms: &mut BTreeMap<String, f64>,
    ) -> Vec<Passage> {
        let Some(reranker) = &self.parts.reranker else { return live.selected };
        let started = Instant::now();
        let ranked = reranker.rerank(&read.as_one_text(), live.ranked).await;
        timings_ms.insert("rerank".to_owned(), milliseconds(started));
        select(&ranked, limit, self.parts.analyzer.as_ref())
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
        let vector = direction(&read.texts, read.index.embedder.as_ref()).await?;
        Ok(Some(read.index.vectors.search_dense(scope, &vector, limit).await?))
    }

    /// One ranking of what was found.
    pub(crate) fn rank(&self, found: Found, system: System) -> Vec<Passage> {
        let found = match system {
            System::Hybrid => found,
            System::Sparse => Found { dense: None, ..found },
            System::Dense => Found { sparse: Vec::new(), ..found },
        };
        self.parts.options.fusion.fuse(found, self.parts.options.dense_share)
    }

    /// Those whose version is the one that answers.
    pub(crate) async fn only_live(
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

/// The unit vector of the texts together. Earlier questions were embedded when they were asked, and are remembered.
async fn direction(texts: &[(String, f32)], embedder: &dyn Embedder) -> Result<Vec<f32>, EmbedError> {
    let vectors = try_join_all(texts.iter().map(|(text, _)| embedder.embed_query(text))).await?;
    let mut sum = vec![0.0; embedder.space().dimensions];
    for (vector, (_, weight)) in vectors.iter().zip(texts) {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|value| *value /= length);
    }
    Ok(sum)
}

/// The terms of all vectors. One that several have weighs what it weighs in the one where it weighs most.
fn heaviest(weighted: impl Iterator<Item = (SparseVector, f32)>) -> SparseVector {
    let mut heaviest = BTreeMap::<u32, f32>::new();
    for (terms, weight) in weighted {
        for (term, value) in terms.indices.into_iter().zip(terms.values) {
            let entry = heaviest.entry(term).or_default();
            *entry = entry.max(weight * value);
        }
    }
    let (indices, values) = heaviest.into_iter().unzip();
    SparseVector { indices, values }
}

pub(crate) fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
