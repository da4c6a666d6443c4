//! Generates one answer: samples its next token, streams its text to the reader, and decides whether it is complete.

use domain::{FinishReason, GenerateError, GenerationEvent, Usage};

use crate::serve::request::Request;
use crate::serve::sampling::Sampler;
use crate::text::detokenize::Utf8Stream;
use crate::text::stop::StopFilter;
use crate::text::vocabulary::{Vocabulary, VocabularyKind};

/// What follows a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The answer continues with this token.
    Token(u32),
    /// The answer is complete.
    End(FinishReason),
}

/// A request whose answer is being generated.
pub(crate) struct Answer {
    pub(crate) request: Request,
    pub(crate) usage: Usage,
    sampler: Sampler,
    characters: Utf8Stream,
    stop: StopFilter,
    /// SentencePiece writes the space before a word into the word, also at the beginning of a text.
    drops_space: bool,
}

impl Answer {
    pub(crate) fn new(request: Request, vocabulary: VocabularyKind) -> Self {
        Self {
            usage: Usage { prompt_tokens: request.prompt.len(), ..Usage::default() },
            sampler: Sampler::new(&request.sampling, request.mask.clone()),
            characters: Utf8Stream::default(),
            stop: StopFilter::new(request.stop.clone()),
            drops_space: vocabulary == VocabularyKind::SentencePiece,
            request,
        }
    }

    /// Samples the next token by `logits`, which are changed, and streams what can be shown.
    pub(crate) fn advance(
        &mut self,
        logits: &mut [f32],
        vocabulary: &Vocabulary,
    ) -> Result<Next, GenerateError> {
        let not_finite = || GenerateError::Failed("the model computed no finite logit".into());
        let token = self.sampler.sample(logits).ok_or_else(not_finite)?;
        if vocabulary.ends.contains(&token) {
            return Ok(Next::End(FinishReason::Stop));
        }
        self.usage.completion_tokens += 1;
        if self.write(vocabulary.bytes(token)) {
            return Ok(Next::End(FinishReason::Stop));
        }
        if self.usage.completion_tokens == self.request.max_tokens {
            return Ok(Next::End(FinishReason::Length));
        }
        Ok(Next::Token(token))
    }

    /// Streams text that was held back because it began like a stop sequence.
    pub(crate) fn flush(&mut self) {
        let held = self.stop.finish();
        self.stream(held);
    }

    /// Takes the bytes of one token. Returns whether a stop sequence ends the answer.
    fn write(&mut self, mut bytes: &[u8]) -> bool {
        if self.drops_space && !bytes.is_empty() {
            self.drops_space = false;
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        let (text, stopped) = self.stop.push(&self.characters.push(bytes));
        self.stream(text);
        stopped
    }

    fn stream(&self, text: String) {
        if !text.is_empty() {
            self.request.send(Ok(GenerationEvent::Delta(text)));
        }
    }
}
