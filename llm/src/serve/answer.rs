//! One answer as it is written: which token comes next, what of it the reader sees, and whether it ends there.

use domain::{FinishReason, GenerateError, GenerationEvent, Usage};

use crate::decode::Utf8Stream;
use crate::queue::Job;
use crate::sampling::Sampler;
use crate::stop::StopFilter;
use crate::vocabulary::{Vocabulary, VocabularyKind};

/// What a chosen token means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The answer goes on, with this token.
    Token(u32),
    /// It is whole.
    End(FinishReason),
}

/// A request whose answer is being written.
pub(crate) struct Answer {
    pub(crate) job: Job,
    pub(crate) usage: Usage,
    sampler: Sampler,
    characters: Utf8Stream,
    stop: StopFilter,
    /// SentencePiece writes the space before a word into the word, also where nothing stands before it.
    drops_space: bool,
}

impl Answer {
    pub(crate) fn new(job: Job, vocabulary: VocabularyKind) -> Self {
        Self {
            usage: Usage { prompt_tokens: job.prompt.len(), ..Usage::default() },
            sampler: Sampler::new(&job.sampling, job.mask.clone()),
            characters: Utf8Stream::default(),
            stop: StopFilter::new(job.stop.clone()),
            drops_space: vocabulary == VocabularyKind::SentencePiece,
            job,
        }
    }

    /// Chooses by the logits after all tokens so far, which are changed, and shows the reader what can be shown.
    pub(crate) fn choose(
        &mut self,
        logits: &mut [f32],
        vocabulary: &Vocabulary,
    ) -> Result<Next, GenerateError> {
        let no_number = || GenerateError::Failed("the model computed no finite number".to_owned());
        let token = self.sampler.choose(logits).ok_or_else(no_number)?;
        if vocabulary.ends.contains(&token) {
            return Ok(Next::End(FinishReason::Stop));
        }
        self.usage.completion_tokens += 1;
        if self.write(vocabulary.bytes(token)) {
            return Ok(Next::End(FinishReason::Stop));
        }
        if self.usage.completion_tokens == self.job.max_tokens {
            return Ok(Next::End(FinishReason::Length));
        }
        Ok(Next::Token(token))
    }

    /// Shows what was held back in case a stop text came of it.
    pub(crate) fn flush(&mut self) {
        let held = self.stop.finish();
        self.show(held);
    }

    /// Takes the bytes of one token. Returns whether a stop text ends the answer.
    fn write(&mut self, mut bytes: &[u8]) -> bool {
        if self.drops_space && !bytes.is_empty() {
            self.drops_space = false;
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        let (text, stopped) = self.stop.push(&self.characters.push(bytes));
        self.show(text);
        stopped
    }

    fn show(&self, text: String) {
        if !text.is_empty() {
            self.job.send(Ok(GenerationEvent::Delta(text)));
        }
    }
}
