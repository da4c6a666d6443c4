//! Encodes text with a byte-level vocabulary: BPE merges over bytes, within words.

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

use crate::error::LoadError;
use crate::model::gguf::file::GgufFile;
use crate::text::vocabulary::Vocabulary;

/// Llama 3's words (`tokenizer.json` of Meta-Llama-3); Qwen2's differ in splitting numbers into single digits.
const LLAMA3_WORDS: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2_WORDS: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The encoder of a byte-level vocabulary.
pub(super) fn byte_level_encoder(gguf: &GgufFile, vocabulary: &Vocabulary) -> Result<Tokenizer, LoadError> {
    let tokens = vocabulary.plain_tokens();
    let mut merges = Merges::new();
    for merge in gguf.strings("tokenizer.ggml.merges")? {
        let pair = merge.split_once(' ').filter(|(left, right)| {
            // `tokenizers` panics on a merge that does not result in a token.
            tokens.contains_key(*left)
                && tokens.contains_key(*right)
                && tokens.contains_key(&[*left, *right].concat())
        });
        let (left, right) = pair
            .ok_or_else(|| LoadError::Malformed(format!("the merge `{merge}` does not result in a token")))?;
        merges.push((left.to_owned(), right.to_owned()));
    }
    let rules = WordRules::named(gguf.text("tokenizer.ggml.pre")?)?;
    let model = BPE::builder().vocab_and_merges(tokens.into_iter().collect::<Vocab>(), merges);
    let model = model.ignore_merges(rules.ignores_merges).build().map_err(LoadError::Tokenizer)?;
    let mut encoder = Tokenizer::new(model);
    encoder.with_normalizer(rules.normalizer).map_err(LoadError::Tokenizer)?;
    encoder.with_pre_tokenizer(Some(PreTokenizers::new(rules.pre_tokenizers)));
    Ok(encoder)
}

/// How a byte-level vocabulary splits text into words, which merges never cross.
struct WordRules {
    normalizer: Option<NormalizerWrapper>,
    pre_tokenizers: Vec<PreTokenizerWrapper>,
    /// A word that is a token is not split, whatever the merges say.
    ignores_merges: bool,
}

impl WordRules {
    /// The rules that llama.cpp calls `name` (`tokenizer.ggml.pre`).
    fn named(name: Option<&str>) -> Result<Self, LoadError> {
        let split = |pattern: &str| {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map(PreTokenizerWrapper::from)
                .map_err(LoadError::Tokenizer)
        };
        let bytes = PreTokenizerWrapper::from(ByteLevel::new(false, false, false));
        let gpt2_words = PreTokenizerWrapper::from(ByteLevel::new(false, false, true));
        let digits = PreTokenizerWrapper::from(Digits::new(true));
        let (normalizer, pre_tokenizers, ignores_merges) = match name {
            Some("llama-bpe" | "llama3" | "llama-v3" | "lfm2" | "glm4") => {
                (None, vec![split(LLAMA3_WORDS)?, bytes], true)
            }
            Some("qwen2" | "deepseek-r1-qwen") => (Some(NFC.into()), vec![split(QWEN2_WORDS)?, bytes], false),
            Some("smollm" | "starcoder" | "exaone") => (None, vec![digits, gpt2_words], false),
            Some("chatglm-bpe" | "dbrx") => (None, vec![split(LLAMA3_WORDS)?, bytes], false),
            None | Some("default" | "gpt-2" | "phi-2") => (None, vec![gpt2_words], false),
            Some(other) => return Err(LoadError::UnsupportedTokenizer(other.to_owned())),
        };
        Ok(Self { normalizer, pre_tokenizers, ignores_merges })
    }
}
