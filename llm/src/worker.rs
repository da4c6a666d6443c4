//! The engine's thread: takes requests from the queue and answers them, one step at a time.
//!
//! Between two steps it looks whether the reader has gone, the time is up, or the engine is to end. It alone touches
//! the model. Whoever makes it answer several requests in one step changes this file and `model.rs`.

use std::sync::Arc;

use domain::{FinishReason, GenerateError, GenerationEvent, Usage};

use crate::decode::Utf8Stream;
use crate::model::Model;
use crate::queue::{Job, Queue, shutting_down};
use crate::sampling::Sampler;
use crate::stop::StopFilter;
use crate::vocabulary::{Vocabulary, VocabularyKind};

/// What the engine's thread owns.
pub(crate) struct Worker {
    pub(crate) model: Model,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) queue: Arc<Queue>,
}

/// However the thread ends, nobody waits for it in vain.
impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Why an answer is not finished.
enum Halt {
    /// Nobody reads it any more.
    Abandoned,
    /// The reader is told why.
    Failed(GenerateError),
}

impl Worker {
    /// Answers requests until the queue is closed.
    pub(crate) fn run(mut self) {
        while let Some(job) = self.queue.next() {
            let end = self.answer(&job);
            // First the place, then the news: who hears of the end and asks again must find the engine free.
            self.queue.finish();
            match end {
                Ok(done) => job.send(Ok(done)),
                Err(Halt::Failed(error)) => job.send(Err(error)),
                Err(Halt::Abandoned) => tracing::debug!("a reader went away; its answer is dropped"),
            }
        }
    }

    fn answer(&mut self, job: &Job) -> Result<GenerationEvent, Halt> {
        let mut usage = Usage { prompt_tokens: job.prompt.len(), ..Usage::default() };
        if job.max_tokens == 0 {
            return Ok(GenerationEvent::Done { finish_reason: FinishReason::Length, usage });
        }
        usage.cached_tokens = self.model.keep_prefix(&job.prompt);
        let mut logits = self.read_prompt(job, usage.cached_tokens)?;
        let mut sampler = Sampler::new(&job.sampling);
        let mut writer = Writer::new(job, self.vocabulary.kind);
        let finish_reason = loop {
            let token =
                sampler.choose(&mut logits).ok_or_else(|| failed("the model computed no finite number"))?;
            if self.vocabulary.ends.contains(&token) {
                break FinishReason::Stop;
            }
            usage.completion_tokens += 1;
            if writer.write(self.vocabulary.bytes(token)) {
                break FinishReason::Stop;
            }
            if usage.completion_tokens == job.max_tokens {
                break FinishReason::Length;
            }
            logits = self.step(job, &[token])?;
        };
        writer.finish();
        Ok(GenerationEvent::Done { finish_reason, usage })
    }

    /// Computes what of the prompt is not in memory. Returns the logits after it.
    fn read_prompt(&mut self, job: &Job, cached_tokens: usize) -> Result<Vec<f32>, Halt> {
        let mut rest = job.prompt.get(cached_tokens..).unwrap_or_default();
        loop {
            let (chunk, after) = rest.split_at(self.model.step_tokens(rest.len()));
            let logits = self.step(job, chunk)?;
            if after.is_empty() {
                return Ok(logits);
            }
            rest = after;
        }
    }

    fn step(&mut self, job: &Job, tokens: &[u32]) -> Result<Vec<f32>, Halt> {
        let open = self.queue.sweep();
        if job.is_abandoned() {
            return Err(Halt::Abandoned);
        }
        if !open {
            return Err(Halt::Failed(shutting_down()));
        }
        if job.is_late() {
            return Err(Halt::Failed(GenerateError::DeadlineExceeded));
        }
        self.model.append(tokens).map_err(|reason| failed(&reason))
    }
}

fn failed(reason: &str) -> Halt {
    tracing::error!(reason, "an answer failed");
    Halt::Failed(GenerateError::Failed(reason.to_owned()))
}

/// From tokens to what the reader sees.
struct Writer<'a> {
    job: &'a Job,
    characters: Utf8Stream,
    stop: StopFilter,
    /// SentencePiece writes the space before a word into the word, also where nothing stands before it.
    drops_space: bool,
}

impl<'a> Writer<'a> {
    fn new(job: &'a Job, vocabulary: VocabularyKind) -> Self {
        let drops_space = vocabulary == VocabularyKind::SentencePiece;
        let stop = StopFilter::new(job.stop.clone());
        Self { job, characters: Utf8Stream::default(), stop, drops_space }
    }

    /// Takes the bytes of one token. Returns whether the answer ends here.
    fn write(&mut self, mut bytes: &[u8]) -> bool {
        if self.drops_space && !bytes.is_empty() {
            self.drops_space = false;
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        let (text, stopped) = self.stop.push(&self.characters.push(bytes));
        self.show(text);
        stopped
    }

    fn finish(mut self) {
        let held = self.stop.finish();
        self.show(held);
    }

    fn show(&self, text: String) {
        if !text.is_empty() {
            self.job.send(Ok(GenerationEvent::Delta(text)));
        }
    }
}
