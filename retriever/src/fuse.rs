//! Fuses the dense and the sparse ranking into one.
//!
//! The methods were compared on XQuAD-en with all-MiniLM-L6-v2, recall@1 and nDCG@10 (dense alone .884/.943, BM25
//! alone .938/.969): convex .960/.982; reciprocal ranks (k = 60) with equal shares .913/.959, with the best share of the
//! dense ranking, .3, .944/.974. With the starter embedder all other languages have the sparse ranking only, which neither
//! method changes.

use std::collections::HashMap;

use domain::{ChunkId, Passage, ScoredChunk};
use serde::{Deserialize, Serialize};

/// How two rankings are fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// By a convex combination of the scores (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    /// Retrieval", TOIS 2023): cosines scaled to 0..=1 over the candidates, because embedders use different ranges; BM25
    /// sums divided by the best one.
    Convex,
    /// By the sum of reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009), weighted.
    ReciprocalRank,
}

/// Offset of all ranks, so that the first few do not decide alone (the paper's k).
const RANK_OFFSET: f32 = 60.0;

/// The hits of both searches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hits {
    /// By cosine, best first; `None` if the embedder does not cover the question's language.
    pub(crate) dense: Option<Vec<ScoredChunk>>,
    /// By BM25, best first.
    pub(crate) sparse: Vec<ScoredChunk>,
}

impl Hits {
    /// Length of the longer ranking; if it is shorter than the limit, there are no more hits.
    pub(crate) fn max_len(&self) -> usize {
        self.sparse.len().max(self.dense.as_ref().map_or(0, Vec::len))
    }
}

impl Fusion {
    /// Fuses the hits of both searches: best first, scored 0 to 1. `dense_share` is the weight of the dense ranking, the
    /// sparse one has the rest; without a dense ranking the sparse one has all.
    pub(crate) fn fuse(self, hits: Hits, dense_share: f32) -> Vec<Passage> {
        let dense_share = if hits.dense.is_some() { dense_share } else { 0.0 };
        let mut passages = merge(hits);
        let cosines: Vec<_> = passages.iter().map(|passage| passage.dense_score).collect();
        let sums: Vec<_> = passages.iter().map(|passage| passage.sparse_score).collect();
        let (dense, sparse) = match self {
            Self::Convex => (min_max_scaled(&cosines), divided_by_max(&sums)),
            Self::ReciprocalRank => (reciprocal_ranks(&cosines), reciprocal_ranks(&sums)),
        };
        for (passage, (dense, sparse)) in passages.iter_mut().zip(dense.into_iter().zip(sparse)) {
            passage.score = dense_share * dense + (1.0 - dense_share) * sparse;
        }
        passages.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.id.cmp(&b.chunk.id)));
        passages
    }
}

/// Scores scaled from 0 for the lowest to 1 for the highest. A chunk that the dense search did not return is at best as
/// near as its last hit.
fn min_max_scaled(scores: &[Option<f32>]) -> Vec<f32> {
    let (low, high) = range(scores);
    scores.iter().map(|score| score.map_or(0.0, |score| share(score - low, high - low))).collect()
}

/// Scores divided by the highest. A chunk that the sparse search did not return shares few terms.
fn divided_by_max(scores: &[Option<f32>]) -> Vec<f32> {
    let (_, high) = range(scores);
    scores.iter().map(|score| score.map_or(0.0, |score| share(score, high))).collect()
}

/// 1 for the highest score, less with every rank; equal scores have equal ranks.
fn reciprocal_ranks(scores: &[Option<f32>]) -> Vec<f32> {
    let mut sorted: Vec<f32> = scores.iter().flatten().copied().collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let rank = |score: f32| sorted.partition_point(|other| *other > score) as f32;
    let share = |score: f32| (RANK_OFFSET + 1.0) / (RANK_OFFSET + 1.0 + rank(score));
    scores.iter().map(|score| score.map_or(0.0, share)).collect()
}

/// One passage per chunk with the scores of both searches.
fn merge(hits: Hits) -> Vec<Passage> {
    let mut at = HashMap::<ChunkId, usize>::new();
    let mut passages = Vec::<Passage>::new();
    let mut add = |hit: ScoredChunk, is_dense: bool| {
        let index = *at.entry(hit.chunk.id).or_insert(passages.len());
        if index == passages.len() {
            passages.push(Passage { chunk: hit.chunk, score: 0.0, dense_score: None, sparse_score: None });
        }
        let passage = &mut passages[index];
        let score = if is_dense { &mut passage.dense_score } else { &mut passage.sparse_score };
        *score = Some(hit.score);
    };
    hits.dense.unwrap_or_default().into_iter().for_each(|hit| add(hit, true));
    hits.sparse.into_iter().for_each(|hit| add(hit, false));
    passages
}

/// Lowest and highest; both 0 without values.
fn range(scores: &[Option<f32>]) -> (f32, f32) {
    scores
        .iter()
        .flatten()
        .fold(None, |range: Option<(f32, f32)>, &score| match range {
            None => Some((score, score)),
            Some((low, high)) => Some((score.min(low), score.max(high))),
        })
        .unwrap_or_default()
}

/// `part / whole`; 1 if the whole is 0, as with a single candidate.
fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::chunk;

    fn scored(scores: &[(u32, f32)]) -> Vec<ScoredChunk> {
        scores
            .iter()
            .map(|&(position, score)| ScoredChunk { chunk: chunk("d", position, ""), score })
            .collect()
    }

    fn order(passages: &[Passage]) -> Vec<u32> {
        passages.iter().map(|passage| passage.chunk.position).collect()
    }

    #[test]
    fn a_chunk_that_both_find_beats_the_best_of_one() {
        let dense = Some(scored(&[(1, 0.62), (2, 0.60), (3, 0.30)]));
        let fused = Fusion::Convex.fuse(Hits { dense, sparse: scored(&[(4, 20.0), (2, 18.0)]) }, 0.6);
        assert_eq!(order(&fused), [2, 1, 4, 3]);
        assert_eq!((fused[0].dense_score, fused[0].sparse_score), (Some(0.60), Some(18.0)));
        assert_eq!((fused[1].dense_score, fused[1].sparse_score), (Some(0.62), None));
    }

    #[test]
    fn without_a_dense_ranking_the_sparse_one_decides_alone() {
        let fused = Fusion::Convex.fuse(Hits { dense: None, sparse: scored(&[(7, 9.0), (8, 3.0)]) }, 0.5);
        assert_eq!(order(&fused), [7, 8]);
        assert_eq!(fused[0].score, 1.0);
    }

    #[test]
    fn reciprocal_ranks_ignore_the_distance_of_scores() {
        let hits = || Hits {
            dense: Some(scored(&[(1, 0.9), (2, 0.2), (3, 0.1)])),
            sparse: scored(&[(2, 30.0), (3, 29.0), (1, 1.0)]),
        };
        assert_eq!(order(&Fusion::ReciprocalRank.fuse(hits(), 0.5)), [2, 1, 3]);
        assert_eq!(order(&Fusion::Convex.fuse(hits(), 0.5)), [2, 1, 3]);
        let ranks = reciprocal_ranks(&[Some(3.0), None, Some(9.0), Some(3.0)]);
        assert_eq!(ranks, [61.0 / 62.0, 0.0, 1.0, 61.0 / 62.0]);
    }

    #[test]
    fn scores_are_finite_whatever_was_found() {
        for hits in [
            Hits::default(),
            Hits { dense: Some(scored(&[(1, 0.5)])), sparse: Vec::new() },
            Hits { dense: Some(scored(&[(1, -0.5), (2, -0.5)])), sparse: scored(&[(1, 0.0)]) },
        ] {
            for fusion in [Fusion::Convex, Fusion::ReciprocalRank] {
                let fused = fusion.fuse(hits.clone(), 0.5);
                assert!(fused.iter().all(|passage| (0.0..=1.0).contains(&passage.score)), "{fusion:?}");
            }
        }
    }
}
