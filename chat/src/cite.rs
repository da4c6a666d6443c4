//! Checks citations: `[n]` in an answer must name the n-th passage of the prompt.
//!
//! [`CitationFilter`] filters the stream: numbers without a passage never reach the reader. [`check`] extracts the
//! [`Citation`]s of the finished text. [`attribute`] finds the passages that support an answer by its words, whatever
//! numbers the model wrote. Brackets in code are not citations.

use domain::{Analyzer, Citation, Passage};
use unicode_segmentation::UnicodeSegmentation;

/// Maximum length of a bracket that can be a citation: `[1, 2, 3, 4, 5]` with some slack.
const MAX_MARKER_BYTES: usize = 24;

/// Removes citation markers without a passage from text that arrives in pieces of any size.
#[derive(Debug)]
pub struct CitationFilter {
    passages: u32,
    /// Held-back text: an open bracket that may become a marker.
    held: String,
    /// Whether an open bracket was emitted as text: what follows a dropped marker could close it (`[[9]9]`).
    unclosed: bool,
    code: CodeState,
}

/// Tracks Markdown code, by the run of backticks that opened it.
#[derive(Debug, Default)]
struct CodeState {
    /// Length of the opening run; 0 outside code.
    opened_by: usize,
    /// Length of the current run.
    run: usize,
}

impl CodeState {
    /// Takes the next character; returns whether it belongs to code.
    fn step(&mut self, character: char) -> bool {
        if character == '`' {
            self.run += 1;
            return true;
        }
        if self.run > 0 {
            if self.opened_by == 0 {
                self.opened_by = self.run;
            } else if self.opened_by == self.run {
                self.opened_by = 0;
            }
            self.run = 0;
        }
        self.opened_by > 0
    }
}

impl CitationFilter {
    /// A filter for the answer to a prompt with `passages` numbered passages.
    pub fn new(passages: usize) -> Self {
        Self { passages: passages as u32, held: String::new(), unclosed: false, code: CodeState::default() }
    }

    /// Takes the next text; returns the text that can be shown now.
    pub fn push(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            if self.code.step(character) {
                shown.push_str(&std::mem::take(&mut self.held));
                shown.push(character);
                continue;
            }
            match character {
                '[' => {
                    self.unclosed |= !self.held.is_empty();
                    shown.push_str(&std::mem::take(&mut self.held));
                    self.held.push('[');
                }
                ']' if !self.held.is_empty() => {
                    self.held.push(']');
                    let bracket = std::mem::take(&mut self.held);
                    match self.resolve(bracket) {
                        kept if kept.is_empty() && self.unclosed => shown.push(' '),
                        kept => shown.push_str(&kept),
                    }
                }
                _ if self.held.is_empty() => shown.push(character),
                _ => {
                    self.held.push(character);
                    if !is_marker_beginning(&self.held) {
                        shown.push_str(&std::mem::take(&mut self.held));
                    }
                }
            }
        }
        shown
    }

    /// Returns the held-back text when the answer ends.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    fn resolve(&self, bracket: String) -> String {
        match marker_numbers(&bracket) {
            Some(numbers) => numbers
                .into_iter()
                .filter(|number| (1..=self.passages).contains(number))
                .map(|number| format!("[{number}]"))
                .collect(),
            None => bracket,
        }
    }
}

fn is_marker_beginning(held: &str) -> bool {
    held.len() <= MAX_MARKER_BYTES
        && held.chars().skip(1).all(|c| c.is_ascii_digit() || matches!(c, ',' | ' '))
}

/// The numbers of `[1]` or `[1, 2]`; `None` for any other bracket.
fn marker_numbers(bracket: &str) -> Option<Vec<u32>> {
    bracket.strip_prefix('[')?.strip_suffix(']')?.split(',').map(|part| part.trim().parse().ok()).collect()
}

/// Byte ranges of the single-number markers in `answer` outside code, with their numbers.
pub fn markers(answer: &str) -> Vec<(std::ops::Range<usize>, u32)> {
    let mut found = Vec::new();
    let mut code = CodeState::default();
    let mut opened = None;
    for (at, character) in answer.char_indices() {
        if code.step(character) {
            opened = None;
            continue;
        }
        match character {
            '[' => opened = Some(at),
            ']' => {
                let Some(start) = opened.take() else { continue };
                if let Ok(number) = answer[start + 1..at].parse() {
                    found.push((start..at + 1, number));
                }
            }
            _ => {}
        }
    }
    found
}

/// The citations of a filtered answer in order of first mention, each number once.
pub fn check(answer: &str, passages: &[Passage]) -> Vec<Citation> {
    let mut citations: Vec<Citation> = Vec::new();
    for (_, number) in markers(answer) {
        let Some(passage) = (number as usize).checked_sub(1).and_then(|at| passages.get(at)) else {
            continue;
        };
        if citations.iter().all(|citation| citation.number != number) {
            citations.push(citation(number, passage));
        }
    }
    citations
}

/// The citation of `passage` as `number`.
pub fn citation(number: u32, passage: &Passage) -> Citation {
    let chunk = &passage.chunk;
    Citation {
        number,
        chunk: chunk.id,
        document: chunk.document,
        title: chunk.title.clone(),
        heading_path: chunk.heading_path.clone(),
        page: chunk.page,
        text: chunk.text.clone(),
        deleted: false,
    }
}

/// Maximum number of passages that an answer is attributed to.
const MAX_ATTRIBUTIONS: usize = 2;
/// Minimum share of a sentence's terms that a passage must contain to support it.
const MIN_SUPPORTING_SHARE: f32 = 0.5;

/// The numbers of the passages that support an answer by its words: for each sentence the passage that contains most of
/// its terms, if it contains at least half of them. Strongest support first; empty if no passage supports it.
pub fn attribute(answer: &str, passages: &[Passage], analyzer: &dyn Analyzer) -> Vec<u32> {
    let stored: Vec<_> =
        passages.iter().map(|passage| analyzer.document_terms((&passage.chunk).into())).collect();
    let language = analyzer.language(answer);
    let mut support = vec![0.0_f32; passages.len()];
    for sentence in answer.unicode_sentences() {
        let terms = analyzer.query_terms(sentence, language);
        if terms.is_empty() {
            continue;
        }
        let shares = stored.iter().map(|passage_terms| {
            let common = terms.common_terms(passage_terms);
            common as f32 / terms.indices.len() as f32
        });
        if let Some((at, share)) = shares.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))
            && share >= MIN_SUPPORTING_SHARE
        {
            support[at] += share * terms.indices.len() as f32;
        }
    }
    let mut ranked: Vec<usize> = (0..support.len()).filter(|&at| support[at] > 0.0).collect();
    ranked.sort_by(|&a, &b| support[b].total_cmp(&support[a]));
    ranked.into_iter().take(MAX_ATTRIBUTIONS).map(|at| at as u32 + 1).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(passages: usize, pieces: &[&str]) -> String {
        let mut filter = CitationFilter::new(passages);
        let mut shown: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        shown.push_str(&filter.finish());
        shown
    }

    #[test]
    fn unknown_numbers_are_dropped_even_when_cut_anywhere() {
        assert_eq!(filtered(2, &["연차는 15일입니다[", "1", "][9]. 끝"]), "연차는 15일입니다[1]. 끝");
        assert_eq!(filtered(2, &["See [1, 3, 2] and [0]."]), "See [1][2] and .");
        assert_eq!(filtered(2, &["[[9]9]"]), "[ 9]", "a dropped marker leaves no other behind");
    }

    #[test]
    fn other_brackets_pass_unharmed() {
        assert_eq!(filtered(1, &["a [link](x) [1a] [", "] [12"]), "a [link](x) [1a] [] [12");
    }

    #[test]
    fn brackets_in_code_are_code() {
        let text = "`v[7]` and\n```rust\nlet a = [1, 2, 3];\n```\nas in [2][7]";
        assert_eq!(filtered(2, &[text]), "`v[7]` and\n```rust\nlet a = [1, 2, 3];\n```\nas in [2]");
        assert_eq!(markers("`[1]` [2]"), vec![(6..9, 2)]);
    }

    proptest! {
        #[test]
        fn cutting_never_changes_what_is_shown(text in "[ab\\[\\]0-9, `가\n]{0,60}", cut in 0usize..60) {
            let at = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(text.len());
            prop_assert_eq!(filtered(3, &[&text[..at], &text[at..]]), filtered(3, &[&text]));
        }

        #[test]
        fn no_marker_of_an_absent_passage_is_ever_shown(text in "[a\\[\\]0-9, ]{0,60}") {
            for (_, number) in markers(&filtered(3, &[&text])) {
                prop_assert!((1..=3).contains(&number));
            }
        }
    }
}
