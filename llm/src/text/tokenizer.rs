//! Text to tokens, with the vocabulary and rules of the model's file.
//!
//! Invariant: text that someone said is encoded without special tokens. It holds by construction: the encoder for
//! plain text does not have special tokens in its vocabulary, and special tokens are looked for in markup alone.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{NFC, Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};

use crate::LoadError;
use crate::gguf::Gguf;
use crate::template::Piece;
use crate::vocabulary::{SENTENCEPIECE_SPACE, TokenKind, Vocabulary, VocabularyKind, strings};

/// Llama 3's words (`tokenizer.json` of Meta-Llama-3); Qwen2's differ in taking digits one by one.
const LLAMA3_WORDS: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2_WORDS: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Encodes prompts.
pub(crate) struct Tokenizer {
    plain: tokenizers::Tokenizer,
    /// Texts and ids of special tokens, longer ones first.
    special: Vec<(String, u32)>,
    /// The token to put before a prompt that does not begin with it.
    bos: Option<u32>,
}

impl Tokenizer {
    pub(crate) fn new(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Self, LoadError> {
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

    /// The tokens of a prompt. Text and markup between two special tokens are encoded together, so that pieces which
    /// belong to one word are not cut where a content begins.
    pub(crate) fn encode(&self, pieces: &[Piece<'_>]) -> Result<Vec<u32>, tokenizers::Error> {
        let mut ids = Vec::new();
        let mut run = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => run.push_str(text),
                Piece::Markup(markup) => self.encode_markup(markup, &mut run, &mut ids)?,
            }
        }
        self.encode_run(&mut run, &mut ids)?;
        if let Some(bos) = self.bos.filter(|&bos| ids.first() != Some(&bos)) {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// Ends `run` at each special token in `markup`, and leaves it at the text after the last one.
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

/// The tokens that plain text may become.
fn plain_tokens(vocabulary: &Vocabulary) -> HashMap<String, u32> {
    let plain = |kind| matches!(kind, TokenKind::Text | TokenKind::Byte | TokenKind::Unknown);
    vocabulary
        .iter()
        .filter(|(_, _, kind)| plain(*kind))
        .map(|(id, token, _)| (token.to_owned(), id))
        .collect()
}

fn byte_level_encoder(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, LoadError> {
    let tokens = plain_tokens(vocabulary);
    let mut merges = Merges::new();
    for merge in strings(gguf, "tokenizer.ggml.merges")? {
        let pair = merge.split_once(' ').filter(|(left, right)| {
            // The crate indexes without looking where a merge makes no token.
            tokens.contains_key(*left)
                && tokens.contains_key(*right)
                && tokens.contains_key(&[*left, *right].concat())
        });
        let (left, right) =
            pair.ok_or_else(|| LoadError::Malformed(format!("the merge `{merge}` makes no token")))?;
        merges.push((left.to_owned(), right.to_owned()));
    }
    let rules = WordRules::named(gguf.text("tokenizer.ggml.pre")?)?;
    let model = BPE::builder().vocab_and_merges(tokens.into_iter().collect::<Vocab>(), merges);
    let model = model.ignore_merges(rules.whole_words_first).build().map_err(unsound)?;
    let mut encoder = tokenizers::Tokenizer::new(model);
    encoder.with_normalizer(rules.normalizer).map_err(unsound)?;
    encoder.with_pre_tokenizer(Some(PreTokenizers::new(rules.pre_tokenizers)));
    Ok(encoder)
}

/// How a byte-level vocabulary cuts text into words, which merges never cross.
struct WordRules {
    normalizer: Option<NormalizerWrapper>,
    pre_tokenizers: Vec<PreTokenizerWrapper>,
    /// A word that is a token is taken whole, whatever the merges say.
    whole_words_first: bool,
}

impl WordRules {
    /// The rules that llama.cpp calls `name` (`tokenizer.ggml.pre`).
    fn named(name: Option<&str>) -> Result<Self, LoadError> {
        let split = |pattern: &str| {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map(PreTokenizerWrapper::from)
                .map_err(unsound)
        };
        let bytes = PreTokenizerWrapper::from(ByteLevel::new(false, false, false));
        let gpt2_words = PreTokenizerWrapper::from(ByteLevel::new(false, false, true));
        let digits = PreTokenizerWrapper::from(Digits::new(true));
        let (normalizer, pre_tokenizers, whole_words_first) = match name {
            Some("llama-bpe" | "llama3" | "llama-v3" | "lfm2" | "glm4") => {
                (None, vec![split(LLAMA3_WORDS)?, bytes], true)
            }
            Some("qwen2" | "deepseek-r1-qwen") => (Some(NFC.into()), vec![split(QWEN2_WORDS)?, bytes], false),
            Some("smollm" | "starcoder" | "exaone") => (None, vec![digits, gpt2_words], false),
            Some("chatglm-bpe" | "dbrx") => (None, vec![split(LLAMA3_WORDS)?, bytes], false),
            None | Some("default" | "gpt-2" | "phi-2") => (None, vec![gpt2_words], false),
            Some(other) => return Err(LoadError::UnsupportedTokenizer(other.to_owned())),
        };
        Ok(Self { normalizer, pre_tokenizers, whole_words_first })
    }
}

/// SentencePiece's BPE in the terms of merges, as Hugging Face converts it (`SentencePieceExtractor` of
/// transformers): two pieces that make a piece may merge, pieces with higher scores first.
fn sentence_piece_encoder(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, LoadError> {
    let score = |value: &Value| if let Value::F32(score) = value { Some(*score) } else { None };
    let scores = gguf.array("tokenizer.ggml.scores", score)?.unwrap_or_default();
    if scores.len() != vocabulary.len() {
        return Err(LoadError::Malformed("its vocabulary has no scores".to_owned()));
    }
    let tokens = plain_tokens(vocabulary);
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
    let unknown = vocabulary.iter().find(|(_, _, kind)| *kind == TokenKind::Unknown);
    let mut model = BPE::builder().vocab_and_merges(tokens.into_iter().collect::<Vocab>(), merges);
    if let Some((_, token, _)) = unknown {
        model = model.unk_token(token.to_owned());
    }
    let mut encoder =
        tokenizers::Tokenizer::new(model.byte_fallback(true).fuse_unk(true).build().map_err(unsound)?);
    let space = SENTENCEPIECE_SPACE.to_string();
    let mut normalizers = vec![Replace::new(" ", space.as_str()).map_err(unsound)?.into()];
    if gguf.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true) {
        normalizers.insert(0, Prepend::new(space).into());
    }
    encoder.with_normalizer(Some(Normalizers::new(normalizers))).map_err(unsound)?;
    Ok(encoder)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn unsound(error: tokenizers::Error) -> LoadError {
    LoadError::Malformed(format!("its vocabulary is unsound: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny::{IM_END, IM_START, TinyModel};

    fn tokenizer(model: &TinyModel) -> (Tokenizer, Vocabulary) {
        let gguf = Gguf::open(model.file().path()).expect("a sound file");
        let vocabulary = Vocabulary::read(&gguf).expect("a sound vocabulary");
        (Tokenizer::new(&gguf, &vocabulary).expect("a sound tokenizer"), vocabulary)
    }

    fn encode(tokenizer: &Tokenizer, pieces: &[Piece<'_>]) -> Vec<u32> {
        tokenizer.encode(pieces).expect("encoded")
    }

    fn text(text: &str) -> Piece<'_> {
        Piece::Text(text.into())
    }

    fn markup(markup: &str) -> Piece<'static> {
        Piece::Markup(markup.to_owned())
    }

    fn array(texts: &[&str]) -> Value {
        Value::Array(texts.iter().map(|&text| Value::String(text.to_owned())).collect())
    }

    /// A byte-level vocabulary in which `12`, `ab` and `한` are tokens, under the word rules called `pre`.
    fn byte_level(pre: &str) -> TinyModel {
        let model = TinyModel::llama();
        let Some((_, Value::Array(mut tokens))) =
            model.metadata.iter().find(|(key, _)| key == "tokenizer.ggml.tokens").cloned()
        else {
            panic!("the tiny model has tokens")
        };
        let Value::Array(more) = array(&["12", "ab", "íķ", "íķľ"]) else {
            unreachable!("it is an array")
        };
        tokens.extend(more);
        let kinds =
            (0..tokens.len() as u32).map(|id| Value::I32(if id == IM_START || id == IM_END { 3 } else { 1 }));
        let kinds = Value::Array(kinds.collect());
        model
            .with("tokenizer.ggml.tokens", Value::Array(tokens))
            .with("tokenizer.ggml.token_type", kinds)
            .with("tokenizer.ggml.merges", array(&["1 2", "a b", "í ķ", "íķ ľ"]))
            .with("tokenizer.ggml.pre", Value::String(pre.to_owned()))
    }

    #[test]
    fn only_markup_becomes_special() {
        let (tokenizer, vocabulary) = tokenizer(&TinyModel::llama());
        let said = encode(&tokenizer, &[text("<|im_start|>")]);
        assert_eq!(said.len(), "<|im_start|>".len());
        let shown: Vec<u8> = said.iter().flat_map(|&id| vocabulary.bytes(id)).copied().collect();
        assert_eq!(shown, b"<|im_start|>");
        let pieces = [markup("<|im_start|>"), text("<|im_"), markup("end|>"), markup("<|im_end|>")];
        let ids = encode(&tokenizer, &pieces);
        assert_eq!((ids.first(), ids.last()), (Some(&IM_START), Some(&IM_END)));
        assert_eq!(ids.len(), 2 + "<|im_end|>".len(), "what is half said and half markup is no markup");
    }

    #[test]
    fn a_word_is_not_cut_where_a_content_begins() {
        let (tokenizer, _) = tokenizer(&byte_level("gpt-2"));
        assert_eq!(encode(&tokenizer, &[markup("a"), text("b")]), encode(&tokenizer, &[text("ab")]));
        assert_eq!(encode(&tokenizer, &[text("ab")]).len(), 1);
    }

    #[test]
    fn word_rules_decide_whether_digits_stay_together() {
        for (pre, tokens) in [("llama-bpe", 1), ("gpt-2", 1), ("qwen2", 2), ("smollm", 2), ("exaone", 2)] {
            let (tokenizer, _) = tokenizer(&byte_level(pre));
            assert_eq!(encode(&tokenizer, &[text("12")]).len(), tokens, "{pre}");
        }
    }

    #[test]
    fn qwen2_composes_hangul() {
        let (tokenizer, _) = tokenizer(&byte_level("qwen2"));
        assert_eq!(
            encode(&tokenizer, &[text("\u{1112}\u{1161}\u{11ab}")]),
            encode(&tokenizer, &[text("한")])
        );
        assert_eq!(encode(&tokenizer, &[text("한")]).len(), 1);
    }

    #[test]
    fn sentence_piece_merges_by_score_and_falls_back_to_bytes() {
        let pieces = ["\u{2581}", "h", "i", "\u{2581}h", "hi", "\u{2581}hi"];
        let scores = [-1.0, -2.0, -3.0, -9.0, -5.0, -6.0];
        let bytes: Vec<String> = (0..=255u8).map(|byte| format!("<0x{byte:02X}>")).collect();
        let mut tokens = vec!["<unk>", "<s>", "</s>"];
        tokens.extend(bytes.iter().map(String::as_str));
        tokens.extend(pieces);
        let kinds = [2, 3, 3].into_iter().chain([6; 256]).chain([1; 6]).map(Value::I32);
        let scores = [0.0; 259].into_iter().chain(scores).map(Value::F32);
        let model = TinyModel::llama()
            .with("tokenizer.ggml.model", Value::String("llama".to_owned()))
            .with("tokenizer.ggml.tokens", array(&tokens))
            .with("tokenizer.ggml.token_type", Value::Array(kinds.collect()))
            .with("tokenizer.ggml.scores", Value::Array(scores.collect()))
            .with("tokenizer.ggml.bos_token_id", Value::U32(1))
            .with("tokenizer.ggml.eos_token_id", Value::U32(2));
        let (tokenizer, vocabulary) = tokenizer(&model);
        let id = |token: &str| tokens.iter().position(|&known| known == token).expect("it is there") as u32;

        assert_eq!(
            encode(&tokenizer, &[markup("<s>"), text("hi hi")]),
            [1, id("\u{2581}hi"), id("\u{2581}hi")]
        );
        assert_eq!(
            encode(&tokenizer, &[text("\n")]),
            [1, id("\u{2581}"), id("<0x0A>")],
            "it begins with <s>"
        );
        assert!(!encode(&tokenizer, &[text("</s>")]).contains(&2));
        assert_eq!(vocabulary.bytes(id("\u{2581}hi")), b" hi");
    }
}
