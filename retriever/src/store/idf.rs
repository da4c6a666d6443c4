//! Derives inverse document frequencies from searches.
//!
//! A search for one term with weight 1 scores its best chunk `idf x weight of the term in it`, so the engines need no
//! interface of their own for it.

/// The best chunk of a search for one term.
#[derive(Debug, Clone, Copy)]
pub(super) struct TermHit {
    /// Its score.
    pub(super) score: f32,
    /// The term's weight in it.
    pub(super) weight: f32,
}

/// The inverse document frequency of each term, from its best chunk in a store of `points` chunks; a term without a chunk
/// counts as if it had one.
pub(super) fn from_hits(hits: impl Iterator<Item = Option<TermHit>>, points: usize) -> Vec<f32> {
    let idf = |hit: TermHit| (hit.weight > 0.0).then(|| hit.score / hit.weight);
    hits.map(|hit| hit.and_then(idf).unwrap_or_else(|| max_idf(points))).collect()
}

/// The inverse document frequency of a term in one of `points` chunks, by the engines' formula
/// `ln((n - df + 0.5) / (df + 0.5) + 1)`.
fn max_idf(points: usize) -> f32 {
    ((points as f32 + 1.0) / 1.5).ln()
}
