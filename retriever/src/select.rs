//! Selects passages from a ranking of chunks: drops duplicates, joins neighbours, spreads over documents.
//!
//! It has no scores of its own. Passages keep the order of their best chunks, except that further passages of a document
//! move behind equally good ones of other documents.

use domain::{Analyzer, Chunk, FieldedText, Passage, SparseVector};

/// Minimum share of common terms of duplicates.
const DUPLICATE_SHARE: f32 = 0.95;

/// Factor of each further passage of the same document: between equal passages a new document goes first, and a much better
/// passage still wins.
const REPEATED_DOCUMENT_FACTOR: f32 = 0.9;

/// Minimum score of the chunk before or after a passage to join it, as a share of the passage's score.
const MIN_NEIGHBOUR_SHARE: f32 = 0.6;

/// Maximum number of chunks of a passage. Joining repairs sentences that a chunk border splits; it must not crowd out other
/// passages.
const MAX_CHUNKS: usize = 2;

/// Maximum length of the text that a chunk repeats from the one before it, in bytes.
const MAX_OVERLAP: usize = 4_096;

/// The first `limit` passages of `ranked` (best first) without duplicates of better ones. A neighbour in the ranking joins
/// the better of the two.
pub(crate) fn select(ranked: &[Passage], limit: usize, analyzer: &dyn Analyzer) -> Vec<Passage> {
    let distinct = distinct(ranked, limit * MAX_CHUNKS, analyzer);
    spread(join_neighbours(distinct), limit)
}

/// The first `limit` passages without duplicates. Copies of a page would crowd out everything else.
fn distinct(ranked: &[Passage], limit: usize, analyzer: &dyn Analyzer) -> Vec<Passage> {
    let mut kept = Vec::new();
    let mut kept_terms = Vec::<SparseVector>::new();
    for passage in ranked {
        if kept.len() == limit {
            break;
        }
        let text = FieldedText { title: "", heading_path: &[], ..(&passage.chunk).into() };
        let terms = analyzer.document_terms(text);
        if kept_terms.iter().all(|other| overlap(other, &terms) < DUPLICATE_SHARE) {
            kept.push(passage.clone());
            kept_terms.push(terms);
        }
    }
    kept
}

/// Share of the terms that both have in common, 0 to 1 (Jaccard).
fn overlap(a: &SparseVector, b: &SparseVector) -> f32 {
    let common = a.common_terms(b);
    let all = a.indices.len() + b.indices.len() - common;
    if all == 0 { 1.0 } else { common as f32 / all as f32 }
}

/// Joins chunks that are adjacent in one section.
fn join_neighbours(passages: Vec<Passage>) -> Vec<Passage> {
    let mut joined = Vec::<(Passage, usize)>::new();
    for passage in passages {
        let neighbour = joined.iter_mut().find(|(better, chunks)| {
            *chunks < MAX_CHUNKS
                && passage.score >= MIN_NEIGHBOUR_SHARE * better.score
                && are_neighbours(&better.chunk, &passage.chunk)
        });
        match neighbour {
            Some((better, chunks)) => {
                join(&mut better.chunk, &passage.chunk);
                *chunks += 1;
            }
            None => joined.push((passage, 1)),
        }
    }
    joined.into_iter().map(|(passage, _)| passage).collect()
}

fn are_neighbours(a: &Chunk, b: &Chunk) -> bool {
    a.version == b.version && a.heading_path == b.heading_path && a.position.abs_diff(b.position) == 1
}

/// Puts the text of `other` before or after that of `chunk`, without repetition. The passage begins where the first does.
fn join(chunk: &mut Chunk, other: &Chunk) {
    if other.position < chunk.position {
        chunk.text = continued(&other.text, &chunk.text);
        (chunk.position, chunk.page) = (other.position, other.page);
    } else {
        chunk.text = continued(&chunk.text, &other.text);
    }
}

/// `second` after `first`, without the sentences that it repeats.
fn continued(first: &str, second: &str) -> String {
    let max_length = first.len().min(second.len()).min(MAX_OVERLAP);
    let repeated = (1..=max_length)
        .rev()
        .filter(|&length| second.is_char_boundary(length))
        .find(|&length| first.ends_with(&second[..length]));
    match repeated {
        Some(length) => format!("{first}{}", &second[length..]),
        None => format!("{first}\n\n{second}"),
    }
}

/// The first `limit` passages, with a penalty on further ones of the same document.
fn spread(mut passages: Vec<Passage>, limit: usize) -> Vec<Passage> {
    let mut chosen = Vec::<Passage>::new();
    while chosen.len() < limit && !passages.is_empty() {
        let worth = |passage: &Passage| {
            let repeats =
                chosen.iter().filter(|other| other.chunk.document == passage.chunk.document).count();
            passage.score * REPEATED_DOCUMENT_FACTOR.powi(repeats as i32)
        };
        // The first of the best, so that equals keep their order.
        let best = (0..passages.len())
            .rev()
            .max_by(|&a, &b| worth(&passages[a]).total_cmp(&worth(&passages[b])))
            .unwrap_or_default();
        chosen.push(passages.remove(best));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::BigramAnalyzer;
    use crate::fixture::chunk;

    fn passage(document: &str, position: u32, score: f32, text: &str) -> Passage {
        let chunk = Chunk { page: Some(position + 1), ..chunk(document, position, text) };
        Passage { chunk, score, dense_score: None, sparse_score: Some(score) }
    }

    fn texts(ranked: &[Passage], limit: usize) -> Vec<String> {
        let selected = select(ranked, limit, &BigramAnalyzer::new());
        selected.into_iter().map(|passage| passage.chunk.text).collect()
    }

    #[test]
    fn a_copy_is_dropped() {
        let ranked = vec![
            passage("a", 0, 1.0, "연차는 15일이다."),
            passage("b", 0, 0.9, "연차는 15일이다."),
            passage("c", 0, 0.8, "병가는 따로 있다."),
        ];
        assert_eq!(texts(&ranked, 2), ["연차는 15일이다.", "병가는 따로 있다."]);
    }

    #[test]
    fn neighbours_are_one_passage_in_reading_order_without_what_they_repeat() {
        let ranked = vec![
            passage("a", 4, 1.0, "Two. Three."),
            passage("b", 0, 0.9, "Elsewhere."),
            passage("a", 3, 0.8, "One. Two."),
        ];
        assert_eq!(texts(&ranked, 3), ["One. Two. Three.", "Elsewhere."]);
        let first = select(&ranked, 3, &BigramAnalyzer::new()).remove(0);
        assert_eq!((first.chunk.position, first.chunk.page), (3, Some(4)));
    }

    #[test]
    fn a_weak_neighbour_and_a_third_chunk_are_not_joined() {
        let weak = vec![passage("a", 1, 1.0, "Strong."), passage("a", 2, 0.5, "Weak.")];
        assert_eq!(texts(&weak, 3), ["Strong.", "Weak."]);
        let row = vec![passage("a", 1, 1.0, "B."), passage("a", 2, 0.9, "C."), passage("a", 0, 0.8, "A.")];
        assert_eq!(texts(&row, 3), ["B.\n\nC.", "A."]);
    }

    #[test]
    fn another_document_comes_before_a_second_passage_that_is_hardly_better() {
        let ranked = vec![
            passage("a", 0, 1.0, "first"),
            passage("a", 5, 0.80, "second"),
            passage("b", 0, 0.75, "third"),
            passage("a", 9, 0.74, "fourth"),
        ];
        assert_eq!(texts(&ranked, 4), ["first", "third", "second", "fourth"]);
    }

    #[test]
    fn overlapping_texts_are_joined_at_characters_not_bytes() {
        assert_eq!(continued("가나다", "나다라"), "가나다라");
        assert_eq!(continued("가", "나"), "가\n\n나");
        assert_eq!(continued("", "나"), "\n\n나");
    }
}
