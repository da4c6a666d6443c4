//! Reads a model's vocabulary: what each token is for, and which bytes it stands for.

use std::collections::{HashMap, HashSet};

use candle_core::quantized::gguf_file::Value;

use crate::error::LoadError;
use crate::model::gguf::file::GgufFile;

/// No real token is longer. Bounds work that grows with the square of a token's length.
const MAX_TOKEN_BYTES: usize = 1024;
/// SentencePiece writes a space as this.
pub(crate) const SENTENCEPIECE_SPACE: char = '\u{2581}';

/// How a vocabulary writes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VocabularyKind {
    /// `gpt2`: merges over bytes, each byte written as one printable character.
    ByteLevel,
    /// `llama`: SentencePiece pieces with scores, and `<0x..>` tokens for single bytes.
    SentencePiece,
}

/// What a token is for, by the codes of llama.cpp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A piece of text.
    Text,
    /// Markup; people never see it.
    Control,
    /// Markup that people may see, like `<tool_call>`.
    UserDefined,
    /// One byte, written `<0x0A>`.
    Byte,
    /// For text that no other token encodes.
    Unknown,
    /// A gap in the numbering.
    Unused,
}

/// The tokens, by id.
pub(crate) struct Vocabulary {
    /// How bytes are written.
    pub(crate) kind: VocabularyKind,
    /// The tokens' texts as the file writes them.
    pub(crate) tokens: Vec<String>,
    /// What each token is for.
    pub(crate) kinds: Vec<TokenKind>,
    /// The token that begins a text.
    pub(crate) bos: Option<u32>,
    /// The token that ends a text.
    pub(crate) eos: Option<u32>,
    /// All tokens that end an answer.
    pub(crate) ends: HashSet<u32>,
    /// Bytes of all tokens, one after the other.
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    byte_ends: Vec<usize>,
}

impl Vocabulary {
    /// Reads and checks the vocabulary of a file.
    pub(crate) fn read(gguf: &GgufFile) -> Result<Self, LoadError> {
        let kind = match gguf.text("tokenizer.ggml.model")? {
            Some("gpt2") => VocabularyKind::ByteLevel,
            Some("llama") => VocabularyKind::SentencePiece,
            other => return Err(LoadError::UnsupportedTokenizer(other.unwrap_or("none").to_owned())),
        };
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        if tokens.is_empty() || tokens.iter().any(|token| token.len() > MAX_TOKEN_BYTES) {
            let reason =
                format!("the vocabulary is empty or has a token of more than {MAX_TOKEN_BYTES} bytes");
            return Err(LoadError::Malformed(reason));
        }
        let special = |key: &str| special_token(gguf, key, tokens.len());
        let bos = special("tokenizer.ggml.bos_token_id")?;
        let eos = special("tokenizer.ggml.eos_token_id")?;
        let turn_end = special("tokenizer.ggml.eot_token_id")?;
        let message_end = special("tokenizer.ggml.eom_token_id")?;
        let kinds = token_kinds(gguf, tokens.len(), &[bos, eos, turn_end, message_end])?;
        let mut ends: HashSet<u32> = [eos, turn_end, message_end].into_iter().flatten().collect();
        ends.extend(well_known_ends(&tokens, &kinds));
        let (bytes, byte_ends) = token_bytes(kind, &tokens, &kinds);
        Ok(Self { kind, tokens, kinds, bos, eos, ends, bytes, byte_ends })
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The text of token `id` as the file writes it; empty for `None`.
    pub(crate) fn token_text(&self, id: Option<u32>) -> &str {
        id.and_then(|id| self.tokens.get(id as usize)).map_or("", String::as_str)
    }

    /// The bytes people see of token `id`: none for markup and for ids that do not exist.
    pub(crate) fn bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = id.checked_sub(1).and_then(|before| self.byte_ends.get(before)).copied().unwrap_or(0);
        self.byte_ends.get(id).and_then(|&end| self.bytes.get(start..end)).unwrap_or_default()
    }

    /// The tokens that plain text may become.
    pub(crate) fn plain_tokens(&self) -> HashMap<String, u32> {
        let is_plain = |kind| matches!(kind, TokenKind::Text | TokenKind::Byte | TokenKind::Unknown);
        let plain = self.iter().filter(|(_, _, kind)| is_plain(*kind));
        plain.map(|(id, token, _)| (token.to_owned(), id)).collect()
    }

    /// All tokens with their kinds, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str, TokenKind)> {
        (0..).zip(&self.tokens).zip(&self.kinds).map(|((id, token), &kind)| (id, token.as_str(), kind))
    }
}

fn special_token(gguf: &GgufFile, key: &str, tokens: usize) -> Result<Option<u32>, LoadError> {
    let Some(id) = gguf.number(key)? else { return Ok(None) };
    // Some files write -1, the highest number, for none.
    if id == u64::from(u32::MAX) {
        return Ok(None);
    }
    match u32::try_from(id) {
        Ok(token) if (token as usize) < tokens => Ok(Some(token)),
        _ => Err(LoadError::Malformed(format!("`{key}` is {id}, beyond the vocabulary of {tokens} tokens"))),
    }
}

/// Reads the kinds of all tokens. A file without them still declares its markup by the special ids.
fn token_kinds(gguf: &GgufFile, tokens: usize, named: &[Option<u32>]) -> Result<Vec<TokenKind>, LoadError> {
    let key = "tokenizer.ggml.token_type";
    let kind = |value: &Value| match value {
        Value::I32(2) | Value::U32(2) => Some(TokenKind::Unknown),
        Value::I32(3) | Value::U32(3) => Some(TokenKind::Control),
        Value::I32(4) | Value::U32(4) => Some(TokenKind::UserDefined),
        Value::I32(5) | Value::U32(5) => Some(TokenKind::Unused),
        Value::I32(6) | Value::U32(6) => Some(TokenKind::Byte),
        Value::I32(_) | Value::U32(_) => Some(TokenKind::Text),
        _ => None,
    };
    let mut kinds = gguf.array(key, kind)?.unwrap_or_else(|| vec![TokenKind::Text; tokens]);
    if kinds.len() != tokens {
        return Err(LoadError::Malformed(format!("`{key}` is not as long as the vocabulary")));
    }
    for id in named.iter().flatten() {
        kinds[*id as usize] = TokenKind::Control;
    }
    Ok(kinds)
}

/// Tokens that end an answer by their name: files often declare only one, where the model uses another at the end of a
/// turn.
fn well_known_ends(tokens: &[String], kinds: &[TokenKind]) -> Vec<u32> {
    const ENDS: [&str; 9] = [
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|end_of_text|>",
        "<|endoftext|>",
        "<|end|>",
        "</s>",
        "<end_of_turn>",
        "[|endofturn|]",
    ];
    let tokens = (0..).zip(tokens).zip(kinds);
    let ends =
        tokens.filter(|((_, token), kind)| **kind == TokenKind::Control && ENDS.contains(&token.as_str()));
    ends.map(|((id, _), _)| id).collect()
}

/// The bytes of all tokens, one after the other, and where each token's end.
fn token_bytes(kind: VocabularyKind, tokens: &[String], kinds: &[TokenKind]) -> (Vec<u8>, Vec<usize>) {
    let byte_of = byte_of_character();
    let mut bytes = Vec::new();
    let mut ends = Vec::with_capacity(tokens.len());
    for (token, token_kind) in tokens.iter().zip(kinds) {
        match (token_kind, kind) {
            (TokenKind::Control | TokenKind::Unknown | TokenKind::Unused, _) => {}
            (TokenKind::UserDefined, _) => bytes.extend_from_slice(token.as_bytes()),
            (TokenKind::Byte, _) => bytes.extend(hexadecimal_byte(token)),
            (TokenKind::Text, VocabularyKind::SentencePiece) => {
                bytes.extend_from_slice(token.replace(SENTENCEPIECE_SPACE, " ").as_bytes());
            }
            (TokenKind::Text, VocabularyKind::ByteLevel) => {
                for c in token.chars() {
                    match byte_of.get(&c) {
                        Some(&byte) => bytes.push(byte),
                        None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    }
                }
            }
        }
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// The byte of a token like `<0x0A>`.
fn hexadecimal_byte(token: &str) -> Option<u8> {
    u8::from_str_radix(token.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

/// GPT-2's printable alphabet for bytes (`bytes_to_unicode` in its encoder.py): printable Latin-1 characters stand for
/// themselves, the characters from U+0100 on for the other bytes.
fn byte_of_character() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let (same, moved): (Vec<u8>, Vec<u8>) = (0..=255).partition(printable);
    let same = same.into_iter().map(|byte| (char::from(byte), byte));
    let moved = ('\u{100}'..).zip(moved);
    same.chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_of_bytes_is_gpt2s() {
        let byte_of = byte_of_character();
        assert_eq!(byte_of.len(), 256);
        assert_eq!(byte_of.get(&'Ġ'), Some(&b' '));
        assert_eq!(byte_of.get(&'Ċ'), Some(&b'\n'));
        assert_eq!(byte_of.get(&'ë'), Some(&0xEB));
    }

    #[test]
    fn markup_has_no_bytes_and_byte_tokens_have_theirs() {
        let tokens = ["</s>", "\u{2581}안녕", "<0xEB>", "<tool>"].map(str::to_owned);
        let kinds = [TokenKind::Control, TokenKind::Text, TokenKind::Byte, TokenKind::UserDefined];
        let (bytes, ends) = token_bytes(VocabularyKind::SentencePiece, &tokens, &kinds);
        assert_eq!(bytes, [" 안녕".as_bytes(), &[0xEB], b"<tool>"].concat());
        assert_eq!(ends, [0, 7, 8, 14]);
        assert_eq!(hexadecimal_byte("<0xZZ>"), None);
    }
}
