//! Counts or estimates the tokens of a text, to size chunks.

use std::sync::Arc;

use domain::script::is_cjk;
use domain::{Analyzer, Embedder};

/// Tokens of a multilingual tokenizer per Hangul, Han or Kana character: SentencePiece vocabularies of a quarter million
/// entries (XLM-R's, which the multilingual E5 and BGE models share) need 0.5 to 0.7.
const TOKENS_PER_CJK_CHARACTER: f64 = 0.6;

/// Tokens per word of an alphabetic script.
const TOKENS_PER_WORD: f64 = 1.3;

/// Maximum characters of a word in a vocabulary. A longer "word" is an address, a key or a hash.
const MAX_WORD_CHARACTERS: usize = 16;

/// Characters per token of such a longer word, and of letters and digits next to Hangul, Han and Kana.
const CHARACTERS_PER_TOKEN: f64 = 3.0;

/// Counts tokens as the embedder does, in the languages that it covers.
///
/// An embedder splits text of a foreign script into many tokens (an English one makes 2.5 of a Hangul syllable). Such text
/// is not embedded at all, so that count does not matter: its chunks are sized by an estimate of a multilingual
/// model's tokens, and hold as much meaning as chunks in other languages.
#[derive(Clone)]
pub(crate) struct Measure {
    embedder: Arc<dyn Embedder>,
    analyzer: Arc<dyn Analyzer>,
}

impl Measure {
    pub(crate) fn new(embedder: Arc<dyn Embedder>, analyzer: Arc<dyn Analyzer>) -> Self {
        Self { embedder, analyzer }
    }

    /// Tokens of `text`.
    pub(crate) fn tokens(&self, text: &str) -> usize {
        if self.embedder.coverage().covers(self.analyzer.language(text)) {
            self.embedder.count_tokens(text)
        } else {
            estimate_tokens(text)
        }
    }
}

/// Roughly the tokens that a multilingual tokenizer would make of `text`.
pub(crate) fn estimate_tokens(text: &str) -> usize {
    let mut tokens = 0.0;
    for word in text.split_whitespace() {
        let cjk = word.chars().filter(|&character| is_cjk(character)).count();
        let other = word.chars().count() - cjk;
        tokens += cjk as f64 * TOKENS_PER_CJK_CHARACTER;
        tokens += if cjk == 0 && other <= MAX_WORD_CHARACTERS {
            TOKENS_PER_WORD
        } else {
            other as f64 / CHARACTERS_PER_TOKEN
        };
    }
    tokens.ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_is_estimated_by_syllable_and_english_by_word() {
        assert_eq!(estimate_tokens("연차 휴가는 매년 열닷새"), 6);
        assert_eq!(estimate_tokens("annual leave is fifteen days"), 7);
        assert_eq!(estimate_tokens(&"a".repeat(300)), 100);
        assert_eq!(estimate_tokens(""), 0);
    }
}
