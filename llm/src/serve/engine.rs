//! The engine as the rest of the house sees it: load a file, hand in requests, read streams.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use domain::{GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Message, Sampling};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::LoadError;
use crate::borrowed::Borrowed;
use crate::cache::BLOCK_TOKENS;
use crate::decoder::Decoder;
use crate::gguf::Gguf;
use crate::model::{Model, Plan};
use crate::processor::Processor;
use crate::queue::{EventSender, Job, Queue};
use crate::sampling::TokenMask;
use crate::template::{CHATML, ChatTemplate};
use crate::threads::compute_threads;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;
use crate::worker::Worker;

/// How to run a model.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// Threads to compute with. They belong to the process, not to one engine: [`crate::set_compute_threads`] sets
    /// them, and loading warns where they are not what is asked for here.
    pub threads: usize,
    /// Most tokens of prompt and answer together; `None` for all the model allows. More than that is lowered to it.
    pub context_tokens: Option<usize>,
    /// Most requests that are answered at the same time.
    pub parallel: usize,
    /// Most requests that wait beside them.
    pub queue_length: usize,
    /// Memory for what was read: keys and values of running answers, and of texts that may be continued. Never less
    /// than one whole context takes.
    pub cache_bytes: usize,
}

/// What a loaded model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelProfile {
    /// Its name, as its file says, or the file's own name.
    pub name: String,
    /// What GGUF calls its family; [`crate::Support`] knows how it is run.
    pub architecture: String,
    /// Most tokens of prompt and answer together.
    pub context_tokens: usize,
    /// Number of tokens it knows.
    pub vocabulary_tokens: usize,
    /// Size of its file.
    pub file_bytes: u64,
    /// How long loading took.
    pub load_seconds: f64,
    /// Threads it computes with.
    pub threads: usize,
}

/// So many that their numbers fit 32 bits with room to spare.
const MOST_BLOCKS: usize = 1 << 24;

/// A model in memory, and the thread that owns it. Dropping it ends the thread after its current step.
pub struct Engine {
    profile: ModelProfile,
    tokenizer: Tokenizer,
    vocabulary: Arc<Vocabulary>,
    template: ChatTemplate,
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Loads the GGUF file at `path`, which may be hostile. Blocks for as long as reading the file takes.
    pub fn load(path: &Path, options: EngineOptions) -> Result<Self, LoadError> {
        let started = Instant::now();
        let gguf = Gguf::open(path)?;
        let vocabulary = Vocabulary::read(&gguf)?;
        let plan = Plan::read(&gguf, vocabulary.len())?;
        let tokenizer = Tokenizer::new(&gguf, &vocabulary)?;
        let template = chat_template(&gguf, &vocabulary)?;
        let blocks = match plan.block_bytes() {
            Some(block_bytes) => (options.cache_bytes / block_bytes).clamp(1, MOST_BLOCKS),
            None => plan.context_tokens().div_ceil(BLOCK_TOKENS),
        };
        let context_tokens = match options.context_tokens {
            Some(asked) => asked.min(plan.context_tokens()),
            None => plan.context_tokens().min(blocks * BLOCK_TOKENS),
        };
        let mut profile = ModelProfile {
            name: model_name(&gguf, path)?,
            architecture: plan.architecture().to_owned(),
            context_tokens,
            vocabulary_tokens: vocabulary.len(),
            file_bytes: gguf.file_bytes,
            load_seconds: 0.0,
            threads: compute_threads(),
        };
        if profile.threads != options.threads {
            tracing::warn!(
                asked = options.threads,
                used = profile.threads,
                "the number of compute threads is fixed"
            );
        }
        let blocks = blocks.max(context_tokens.div_ceil(BLOCK_TOKENS));
        let model = match plan {
            Plan::Decoder(shape) => {
                let decoder = Decoder::load(Processor::start(), &gguf, shape, vocabulary.len())?;
                Model::Decoder { store: decoder.store(blocks), decoder }
            }
            Plan::Borrowed(family, context_tokens) => {
                Model::Borrowed(Borrowed::load(gguf, family, context_tokens, vocabulary.len())?)
            }
        };
        profile.load_seconds = started.elapsed().as_secs_f64();
        let parallel = options.parallel.min(model.most_parallel());
        let queue = Arc::new(Queue::new(parallel, options.queue_length));
        let vocabulary = Arc::new(vocabulary);
        let worker = Worker::new(model, Arc::clone(&vocabulary), Arc::clone(&queue), blocks);
        let thread = std::thread::Builder::new().name("llm-engine".to_owned());
        let thread = thread.spawn(move || worker.run()).map_err(LoadError::Thread)?;
        Ok(Self { profile, tokenizer, vocabulary, template, queue, thread: Mutex::new(Some(thread)) })
    }

    /// What was loaded.
    pub fn profile(&self) -> &ModelProfile {
        &self.profile
    }

    /// Tokens that `messages` take as a prompt, exact.
    pub fn count_prompt_tokens(&self, messages: &[Message]) -> Result<usize, GenerateError> {
        self.encode(messages).map(|tokens| tokens.len())
    }

    /// Starts an answer, or refuses at once: with [`GenerateError::ContextTooLong`], [`GenerateError::Overloaded`],
    /// [`GenerateError::Unavailable`] after [`Engine::shutdown`], and [`GenerateError::Failed`] where the model's
    /// template does not allow the messages. Encodes the prompt on the caller's thread: some milliseconds.
    pub fn generate(&self, request: GenerationRequest) -> Result<GenerationStream, GenerateError> {
        let deadline = Instant::now().checked_add(request.deadline);
        let prompt = self.encode(&request.messages)?;
        let GenerationRequest { sampling, max_tokens, stop, .. } = request;
        self.submit(|events| Job {
            prompt,
            sampling,
            mask: None,
            max_tokens,
            stop,
            deadline,
            events,
            told_position: 0,
        })
    }

    /// Writes `max_tokens` tokens after `prompt`, which is not empty, as it is.
    pub(crate) fn continue_tokens(
        &self,
        prompt: Vec<u32>,
        max_tokens: usize,
        sampling: Sampling,
        mask: Option<TokenMask>,
    ) -> Result<GenerationStream, GenerateError> {
        self.submit(|events| Job {
            prompt,
            sampling,
            mask,
            max_tokens,
            stop: Vec::new(),
            deadline: None,
            events,
            told_position: 0,
        })
    }

    /// The model's tokens.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn submit(&self, job: impl FnOnce(EventSender) -> Job) -> Result<GenerationStream, GenerateError> {
        let (events, reader) = unbounded_channel();
        let job = job(events);
        let (prompt_tokens, context_tokens) = (job.most_tokens(), self.profile.context_tokens);
        if prompt_tokens > context_tokens {
            return Err(GenerateError::ContextTooLong { prompt_tokens, context_tokens });
        }
        self.queue.submit(job)?;
        Ok(stream(reader))
    }

    /// Ends all answers with [`GenerateError::Unavailable`] and waits for the thread, at most one step. Doing it
    /// twice is no error.
    pub fn shutdown(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the engine's thread had panicked");
        }
    }

    fn encode(&self, messages: &[Message]) -> Result<Vec<u32>, GenerateError> {
        let pieces = self.template.render(messages).map_err(GenerateError::Failed)?;
        let tokens =
            self.tokenizer.encode(&pieces).map_err(|error| GenerateError::Failed(error.to_string()))?;
        if tokens.is_empty() {
            return Err(GenerateError::Failed("the prompt is empty".to_owned()));
        }
        Ok(tokens)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("profile", &self.profile).finish_non_exhaustive()
    }
}

fn model_name(gguf: &Gguf, path: &Path) -> Result<String, LoadError> {
    let file_name = || path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(gguf.text("general.name")?.map_or_else(file_name, str::to_owned))
}

/// The file's own template; ChatML for a file without one whose vocabulary has ChatML's markup.
pub(crate) fn chat_template(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<ChatTemplate, LoadError> {
    let has_chatml = || vocabulary.iter().any(|(_, token, _)| token == "<|im_start|>");
    let source = match gguf.text("tokenizer.chat_template")? {
        Some(source) => source,
        None if has_chatml() => CHATML,
        None => return Err(LoadError::Template("the file has none".to_owned())),
    };
    ChatTemplate::new(source, vocabulary.written(vocabulary.bos), vocabulary.written(vocabulary.eos))
}

/// The reader's end: events up to the last one. If the engine's thread is gone, it says so instead of falling silent.
fn stream(reader: UnboundedReceiver<Result<GenerationEvent, GenerateError>>) -> GenerationStream {
    Box::pin(futures::stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        let stopped = || Err(GenerateError::Failed("the engine stopped".to_owned()));
        let event = reader.recv().await.unwrap_or_else(stopped);
        let over = matches!(event, Ok(GenerationEvent::Done { .. }) | Err(_));
        Some((event, (!over).then_some(reader)))
    }))
}

#[cfg(test)]
pub(crate) mod tests;
