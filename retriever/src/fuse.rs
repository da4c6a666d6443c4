//! Fusion: two rankings into one.
//!
//! Which way is best was measured on XQuAD-en with all-MiniLM-L6-v2, recall@1 and nDCG@10 (dense alone .884/.943, BM25
//! alone .938/.969): convex .960/.982; reciprocal ranks (k = 60), both alike .913/.959, with the best share of the dense
//! one, .3, .944/.974. Korean, Chinese and all other languages have one ranking with the starter embedder, which
//! either way leaves as it is.

use std::collections::HashMap;

use domain::{ChunkId, Passage, ScoredChunk};
use serde::{Deserialize, Serialize};

/// How two rankings become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// By a convex combination of the scores (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    /// Retrieval", TOIS 2023): cosines stretched to 0..=1 over the candidates, for embedders differ in the range they
    /// use; BM25 sums divided by the best one.
    Convex,
    /// By the sum of reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009), weighted.
    ReciprocalRank,
}

/// Ranks that the first one is behind a perfect one, so that the first few do not decide alone (the paper's k).
const RANK_OFFSET: f32 = 60.0;

/// What both searches found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// By cosine, best first; `None` where the embedder does not cover the question's language.
    pub(crate) dense: Option<Vec<ScoredChunk>>,
    /// By BM25, best first.
    pub(crate) sparse: Vec<ScoredChunk>,
}

impl Found {
    /// Length of the longer ranking; shorter than asked for means that there is no more.
    pub(crate) fn longest(&self) -> usize {
        self.sparse.len().max(self.dense.as_ref().map_or(0, Vec::len))
    }
}

impl Fusion {
    /// All chunks found by either search, best first, scored 0 to 1. `dense_share` is the weight of the dense ranking,
    /// the sparse one has the rest; without a dense ranking the sparse one has all.
    pub(crate) fn fuse(self, found: Found, dense_share: f32) -> Vec<Passage> {
        let dense_share = if found.dense.is_some() { dense_share } else { 0.0 };
        let mut passages = merge(found);
        let cosines: Vec<_> = passages.iter().map(|passage| passage.dense_score).collect();
        let sums: Vec<_> = passages.iter().map(|passage| passage.sparse_score).collect();
        let (dense, sparse) = match self {
            Self::Convex => (stretched(&cosines), proportional(&sums)),
            Self::ReciprocalRank => (reciprocal_ranks(&cosines), reciprocal_ranks(&sums)),
        };
        for (passage, (dense, sparse)) in passages.iter_mut().zip(dense.into_iter().zip(sparse)) {
            passage.score = dense_share * dense + (1.0 - dense_share) * sparse;
        }
        passages.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.chunk.id.cmp(&b.chunk.id)));
        passages
    }
}

/// Scores from 0 for the lowest to 1 for the highest. A chunk that the dense search did not return is at best as near
/// as its last hit.
fn stretched(scores: &[Option<f32>]) -> Vec<f32> {
    let (low, high) = range(scores);
    scores.iter().map(|score| score.map_or(0.0, |score| share(score - low, high - low))).collect()
}

/// Scores as shares of the highest. A chunk that the sparse search did not return shares next to no term.
fn proportional(scores: &[Option<f32>]) -> Vec<f32> {
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
fn merge(found: Found) -> Vec<Passage> {
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
    found.dense.unwrap_or_default().into_iter().for_each(|hit| add(hit, true));
    found.sparse.into_iter().for_each(|hit| add(hit, false));
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

/// `part / whole`; 1 where the whole is nothing, as with a single candidate.
fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::chunk;

    fn hits(scores: &[(u32, f32)]) -> Vec<ScoredChunk> {
        scores
            .iter()
            .map(|&(position, score)| ScoredChunk { chunk: chunk("d", position, ""), score })
            .collect()
    }

    fn order(passages: &[Passage]) -> Vec<u32> {
        passages.iter().map(|passage| passage.chunk.position).collect()
    }

    #[test]
    fn a_chunk_that_both_find_beats_the_favourite_of_one() {
        let dense = Some(hits(&[(1, 0.62), (2, 0.60), (3, 0.30)]));
        let fused = Fusion::Convex.fuse(Found { dense, sparse: hits(&[(4, 20.0), (2, 18.0)]) }, 0.6);
        assert_eq!(order(&fused), [2, 1, 4, 3]);
        assert_eq!((fused[0].dense_score, fused[0].sparse_score), (Some(0.60), Some(18.0)));
        assert_eq!((fused[1].dense_score, fused[1].sparse_score), (Some(0.62), None));
    }

    #[test]
    fn without_a_dense_ranking_the_sparse_one_decides_alone() {
        let fused = Fusion::Convex.fuse(Found { dense: None, sparse: hits(&[(7, 9.0), (8, 3.0)]) }, 0.5);
        assert_eq!(order(&fused), [7, 8]);
        assert_eq!(fused[0].score, 1.0);
    }

    #[test]
    fn reciprocal_ranks_forget_how_far_apart_scores_are() {
        let found = || Found {
            dense: Some(hits(&[(1, 0.9), (2, 0.2), (3, 0.1)])),
            sparse: hits(&[(2, 30.0), (3, 29.0), (1, 1.0)]),
        };
        assert_eq!(order(&Fusion::ReciprocalRank.fuse(found(), 0.5)), [2, 1, 3]);
        assert_eq!(order(&Fusion::Convex.fuse(found(), 0.5)), [2, 1, 3]);
        let ranks = reciprocal_ranks(&[Some(3.0), None, Some(9.0), Some(3.0)]);
        assert_eq!(ranks, [61.0 / 62.0, 0.0, 1.0, 61.0 / 62.0]);
    }

    #[test]
    fn scores_are_finite_whatever_was_found() {
        for found in [
            Found::default(),
            Found { dense: Some(hits(&[(1, 0.5)])), sparse: Vec::new() },
            Found { dense: Some(hits(&[(1, -0.5), (2, -0.5)])), sparse: hits(&[(1, 0.0)]) },
        ] {
            for fusion in [Fusion::Convex, Fusion::ReciprocalRank] {
                let fused = fusion.fuse(found.clone(), 0.5);
                assert!(fused.iter().all(|passage| (0.0..=1.0).contains(&passage.score)), "{fusion:?}");
            }
        }
    }
}
