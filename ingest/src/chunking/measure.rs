//! How long a text is in tokens, for the purpose of sizing chunks.

use std::sync::Arc;

use domain::{Analyzer, Embedder};

/// Tokens that a multilingual tokenizer takes for one Hangul, Han or Kana character: SentencePiece vocabularies
/// of a quarter million pieces (XLM-R's, which the multilingual E5 and BGE models share) take 0.5 to 0.7.
const TOKENS_PER_CJK_CHARACTER: f64 = 0.6;

/// Tokens per word of an alphabetic script.
const TOKENS_PER_WORD: f64 = 1.3;

/// A longer "word" is an address, a key, a hash: no vocabulary has it.
const MAX_WORD_CHARACTERS: usize = 16;

/// Characters per token of such a word, and of letters and digits beside Hangul, Han and Kana.
const CHARACTERS_PER_TOKEN: f64 = 3.0;

/// Counts tokens as the embedder does, in the languages it knows.
///
/// An embedder breaks text of a foreign script into crumbs (an English one takes 2.5 tokens for a Hangul syllable).
/// Such text is not embedded at all, so its chunks need not be cut to that measure: they are sized by an
/// estimate of what a multilingual model would take, and hold as much meaning as chunks in other languages.
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

/// What a multilingual tokenizer would take, roughly.
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

fn is_cjk(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
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
