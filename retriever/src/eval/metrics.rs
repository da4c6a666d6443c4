//! Computes the metrics of rankings: recall, reciprocal rank, discounted gain, latency.

use serde::{Deserialize, Serialize};

/// Metrics of one system, each the mean over all questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemReport {
    /// Share of the relevant documents that are first.
    #[serde(rename = "recall@1")]
    pub recall_at_1: f64,
    /// Share of the relevant documents among the first five.
    #[serde(rename = "recall@5")]
    pub recall_at_5: f64,
    /// Share of the relevant documents among the first ten.
    #[serde(rename = "recall@10")]
    pub recall_at_10: f64,
    /// One over the rank of the first relevant document, 0 beyond ten.
    #[serde(rename = "mrr@10")]
    pub mrr_at_10: f64,
    /// Gain discounted by rank, relative to the best possible ranking (Järvelin and Kekäläinen, TOIS 2002).
    #[serde(rename = "ndcg@10")]
    pub ndcg_at_10: f64,
    /// From the question to its ranking.
    pub latency_ms: LatencyMs,
}

/// Percentiles of latency, nearest rank, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyMs {
    /// Half of the questions took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

/// Sums over questions.
#[derive(Debug, Default)]
pub(super) struct Tally {
    recall_at_1: f64,
    recall_at_5: f64,
    recall_at_10: f64,
    reciprocal_rank: f64,
    discounted_gain: f64,
    latencies_ms: Vec<f64>,
}

impl Tally {
    /// Adds a question: the relevance of the documents found, in rank order, and of all relevant documents, best first.
    pub(super) fn add(&mut self, gains: &[u32], ideal: &[u32], latency_ms: f64) {
        let relevant = ideal.iter().filter(|gain| **gain > 0).count().max(1) as f64;
        let recall_at =
            |depth: usize| gains.iter().take(depth).filter(|gain| **gain > 0).count() as f64 / relevant;
        self.recall_at_1 += recall_at(1);
        self.recall_at_5 += recall_at(5);
        self.recall_at_10 += recall_at(10);
        let first = gains.iter().take(10).position(|gain| *gain > 0);
        self.reciprocal_rank += first.map_or(0.0, |at| 1.0 / (at + 1) as f64);
        let best = discounted(ideal);
        self.discounted_gain += if best > 0.0 { discounted(gains) / best } else { 0.0 };
        self.latencies_ms.push(latency_ms);
    }

    pub(super) fn questions(&self) -> usize {
        self.latencies_ms.len()
    }

    pub(super) fn report(mut self) -> SystemReport {
        let queries = self.latencies_ms.len().max(1) as f64;
        self.latencies_ms.sort_by(f64::total_cmp);
        SystemReport {
            recall_at_1: self.recall_at_1 / queries,
            recall_at_5: self.recall_at_5 / queries,
            recall_at_10: self.recall_at_10 / queries,
            mrr_at_10: self.reciprocal_rank / queries,
            ndcg_at_10: self.discounted_gain / queries,
            latency_ms: LatencyMs {
                p50: percentile(&self.latencies_ms, 50),
                p99: percentile(&self.latencies_ms, 99),
            },
        }
    }
}

/// The sum of `(2^gain - 1) / log2(rank + 1)` over the first ten, ranks from 1.
fn discounted(gains: &[u32]) -> f64 {
    let gains = gains.iter().take(10).enumerate();
    gains.map(|(at, gain)| (f64::from(*gain).exp2() - 1.0) / ((at + 2) as f64).log2()).sum()
}

/// The smallest value that `percent` of the values do not exceed; 0 without values.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    }

    #[test]
    fn one_relevant_document_at_rank_three() {
        let mut tally = Tally::default();
        tally.add(&[0, 0, 1, 0], &[1], 4.0);
        let report = tally.report();
        assert_eq!((report.recall_at_1, report.recall_at_5, report.recall_at_10), (0.0, 1.0, 1.0));
        close(report.mrr_at_10, 1.0 / 3.0);
        close(report.ndcg_at_10, 0.5);
    }

    #[test]
    fn graded_relevance_by_hand() {
        let mut tally = Tally::default();
        // Found: 1 at rank 1, 2 at rank 2. DCG = 1/1 + 3/log2(3); ideal = 3/1 + 1/log2(3).
        tally.add(&[1, 2], &[2, 1], 4.0);
        let log2_3 = 3_f64.log2();
        close(tally.report().ndcg_at_10, (1.0 + 3.0 / log2_3) / (3.0 + 1.0 / log2_3));
    }

    #[test]
    fn figures_are_means_over_questions() {
        let mut tally = Tally::default();
        tally.add(&[1], &[1], 1.0);
        tally.add(&[0; 10], &[1, 1], 3.0);
        let report = tally.report();
        close(report.recall_at_1, 0.5);
        close(report.mrr_at_10, 0.5);
        close(report.ndcg_at_10, 0.5);
        assert_eq!(report.latency_ms, LatencyMs { p50: 1.0, p99: 3.0 });
    }

    #[test]
    fn half_of_two_relevant_documents_is_half_recall() {
        let mut tally = Tally::default();
        tally.add(&[1, 0, 0, 0, 0, 1], &[1, 1], 1.0);
        let report = tally.report();
        assert_eq!((report.recall_at_1, report.recall_at_5, report.recall_at_10), (0.5, 0.5, 1.0));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&sorted, 50), 100.0);
        assert_eq!(percentile(&sorted, 99), 198.0);
        assert_eq!(percentile(&[7.0], 99), 7.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }

    #[test]
    fn no_question_gives_no_figure_that_is_not_a_number() {
        assert_eq!(Tally::default().report().ndcg_at_10, 0.0);
    }
}
