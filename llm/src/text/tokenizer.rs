//! Encodes prompts to tokens, with the vocabulary and rules of the model's file.
//!
//! Invariant: text from people is encoded without special tokens. It holds by construction: the encoder for plain text
//! does not have special tokens in its vocabulary, and special tokens are looked for in markup alone.

mod byte_level;
mod sentence_piece;

use crate::error::LoadError;
use crate::model::gguf::file::GgufFile;
use crate::text::prompt::PromptSegment;
use crate::text::tokenizer::byte_level::byte_level_encoder;
use crate::text::tokenizer::sentence_piece::sentence_piece_encoder;
use crate::text::vocabulary::{TokenKind, Vocabulary, VocabularyKind};

/// Encodes prompts.
pub(crate) struct Tokenizer {
    /// Encodes plain text, and does not know special tokens.
    plain: tokenizers::Tokenizer,
    /// Texts and ids of special tokens, longer ones first.
    special: Vec<(String, u32)>,
    /// The token that every prompt begins with.
    bos: Option<u32>,
}

impl Tokenizer {
    /// Builds the tokenizer that the file declares.
    pub(crate) fn new(gguf: &GgufFile, vocabulary: &Vocabulary) -> Result<Self, LoadError> {
        let sentence_piece = vocabulary.kind == VocabularyKind::SentencePiece;
        let plain = if sentence_piece {
            sentence_piece_encoder(gguf, vocabulary)
        } else {
            byte_level_encoder(gguf, vocabulary)
        }?;
        let is_special = |kind| matches!(kind, TokenKind::Control | TokenKind::UserDefined);
        let special = vocabulary.iter().filter(|(_, token, kind)| is_special(*kind) && !token.is_empty());
        let mut special: Vec<_> = special.map(|(id, token, _)| (token.to_owned(), id)).collect();
        special.sort_by_key(|(token, _)| std::cmp::Reverse(token.len()));
        let adds_bos = gguf.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(sentence_piece);
        Ok(Self { plain, special, bos: vocabulary.bos.filter(|_| adds_bos) })
    }

    /// Encodes a prompt. Text and markup between two special tokens are encoded together, so that a word is not split
    /// where a content begins.
    pub(crate) fn encode(&self, prompt: &[PromptSegment<'_>]) -> Result<Vec<u32>, tokenizers::Error> {
        let mut ids = Vec::new();
        let mut run = String::new();
        for segment in prompt {
            match segment {
                PromptSegment::Text(text) => run.push_str(text),
                PromptSegment::Markup(markup) => self.encode_markup(markup, &mut run, &mut ids)?,
            }
        }
        self.encode_run(&mut run, &mut ids)?;
        if let Some(bos) = self.bos.filter(|&bos| ids.first() != Some(&bos)) {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// Encodes `run`, the text so far, at each special token in `markup`, and leaves the text after the last one in it.
    fn encode_markup(
        &self,
        markup: &str,
        run: &mut String,
        ids: &mut Vec<u32>,
    ) -> Result<(), tokenizers::Error> {
        let mut rest = markup;
        while let Some(c) = rest.chars().next() {
            if let Some((token, id)) = self.special.iter().find(|(token, _)| rest.starts_with(token.as_str()))
            {
                self.encode_run(run, ids)?;
                ids.push(*id);
                rest = &rest[token.len()..];
            } else {
                run.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        Ok(())
    }

    fn encode_run(&self, run: &mut String, ids: &mut Vec<u32>) -> Result<(), tokenizers::Error> {
        if !run.is_empty() {
            ids.extend_from_slice(self.plain.encode_fast(run.as_str(), false)?.get_ids());
            run.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
