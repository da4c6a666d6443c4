//! Determines the gains of a ranking: the relevance of the documents that it found.

use domain::{Passage, is_source};

use super::dataset::JudgedQuestion;

/// Number of ranks judged.
pub(super) const DEPTH: usize = 10;

/// Relevance of the documents at the top of a perfect ranking, the highest first.
pub(super) fn ideal_gains(question: &JudgedQuestion) -> Vec<u32> {
    let mut gains: Vec<u32> = question.relevant.values().copied().collect();
    gains.sort_unstable_by(|a, b| b.cmp(a));
    gains
}

/// Relevance of the first documents, in the order of their best passages. A relevant document counts once, even if the
/// paths of several documents end in its name.
pub(super) fn gains(question: &JudgedQuestion, passages: &[Passage]) -> Vec<u32> {
    let mut sources = Vec::<&str>::new();
    for passage in passages {
        if !sources.contains(&passage.chunk.source.as_str()) {
            sources.push(&passage.chunk.source);
        }
        if sources.len() == DEPTH {
            break;
        }
    }
    let mut relevant = question.relevant.clone();
    let mut gain = |source: &str| {
        let found = relevant.keys().find(|expected| is_source(source, expected)).cloned();
        found.and_then(|expected| relevant.remove(&expected)).unwrap_or(0)
    };
    sources.into_iter().map(&mut gain).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fixture::chunk;

    fn passage(source: &str, position: u32) -> Passage {
        let chunk = chunk(source, position, "");
        Passage { chunk, score: 1.0, dense_score: None, sparse_score: None }
    }

    #[test]
    fn a_document_counts_once_at_its_best_passage() {
        let question = JudgedQuestion {
            question: String::new(),
            history: Vec::new(),
            relevant: BTreeMap::from([("leave.md".to_owned(), 1), ("support/refunds.md".to_owned(), 2)]),
            references: Vec::new(),
        };
        let found = [
            passage("/srv/pay.md", 0),
            passage("/srv/leave.md", 3),
            passage("/srv/leave.md", 1),
            passage("/srv/old/leave.md", 0),
            passage("/srv/support/refunds.md", 0),
        ];
        assert_eq!(gains(&question, &found), [0, 1, 0, 2]);
        assert_eq!(ideal_gains(&question), [2, 1]);
    }
}
