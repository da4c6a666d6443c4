//! Encodes text with a SentencePiece vocabulary, by BPE merges as Hugging Face converts them.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;
use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};

use crate::error::LoadError;
use crate::model::gguf::file::GgufFile;
use crate::text::vocabulary::{SENTENCEPIECE_SPACE, TokenKind, Vocabulary};

/// The encoder of a SentencePiece vocabulary.
pub(super) fn sentence_piece_encoder(
    gguf: &GgufFile,
    vocabulary: &Vocabulary,
) -> Result<Tokenizer, LoadError> {
    let tokens = vocabulary.plain_tokens();
    let merges = merges(gguf, vocabulary, &tokens)?;
    let mut model = BPE::builder().vocab_and_merges(tokens.into_iter().collect::<Vocab>(), merges);
    if let Some((_, token, _)) = vocabulary.iter().find(|(_, _, kind)| *kind == TokenKind::Unknown) {
        model = model.unk_token(token.to_owned());
    }
    let model = model.byte_fallback(true).fuse_unk(true).build().map_err(LoadError::Tokenizer)?;
    let mut encoder = Tokenizer::new(model);
    let space = SENTENCEPIECE_SPACE.to_string();
    let mut normalizers = vec![Replace::new(" ", space.as_str()).map_err(LoadError::Tokenizer)?.into()];
    if gguf.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true) {
        normalizers.insert(0, Prepend::new(space).into());
    }
    encoder.with_normalizer(Some(Normalizers::new(normalizers))).map_err(LoadError::Tokenizer)?;
    Ok(encoder)
}

/// Two pieces that together are a piece may merge, pieces with higher scores first (`SentencePieceExtractor` of Hugging
/// Face's transformers).
fn merges(
    gguf: &GgufFile,
    vocabulary: &Vocabulary,
    tokens: &HashMap<String, u32>,
) -> Result<Merges, LoadError> {
    let score = |value: &Value| if let Value::F32(score) = value { Some(*score) } else { None };
    let scores = gguf.array("tokenizer.ggml.scores", score)?.unwrap_or_default();
    if scores.len() != vocabulary.len() {
        let reason = "`tokenizer.ggml.scores` is not as long as the vocabulary".to_owned();
        return Err(LoadError::Malformed(reason));
    }
    let texts = vocabulary.iter().filter(|(_, _, kind)| *kind == TokenKind::Text);
    let mut ranked: Vec<_> =
        texts.filter_map(|(id, token, _)| Some((scores.get(id as usize)?, token))).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(a.0));
    let is_text = |piece: &str| {
        tokens.get(piece).is_some_and(|&id| vocabulary.kinds.get(id as usize) == Some(&TokenKind::Text))
    };
    let mut merges = Merges::new();
    for (_, token) in ranked {
        let cuts = token.char_indices().skip(1).map(|(at, _)| token.split_at(at));
        let pairs = cuts.filter(|(left, right)| is_text(left) && is_text(right));
        merges.extend(pairs.map(|(left, right)| (left.to_owned(), right.to_owned())));
    }
    Ok(merges)
}
