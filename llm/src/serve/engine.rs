//! The engine as other crates see it: loads a model, takes requests, returns streams.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use domain::{
    GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Message, Sampling, Ticket,
};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::compute::thread_pool::compute_threads;
use crate::error::LoadError;
use crate::kv_cache::blocks::BLOCK_TOKENS;
use crate::model::architecture::Architecture;
use crate::model::gguf::file::GgufFile;
use crate::model::loaded_model::LoadedModel;
use crate::serve::batch_loop::BatchLoop;
use crate::serve::request::{EventSender, Request};
use crate::serve::sampling::TokenMask;
use crate::serve::scheduler::Scheduler;
use crate::text::chat_template::ChatTemplate;
use crate::text::tokenizer::Tokenizer;
use crate::text::vocabulary::Vocabulary;

/// How to run a model.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// Threads to compute with. They belong to the process, not to one engine: [`crate::set_compute_threads`] sets
    /// them, and loading warns if they differ from this.
    pub threads: usize,
    /// Maximum tokens of prompt and answer together, at most the model's own limit. `None` for that limit, or for as
    /// many as the KV cache holds.
    pub context_tokens: Option<usize>,
    /// Maximum requests that are answered at the same time.
    pub parallel: usize,
    /// Maximum requests that wait for a slot.
    pub queue_length: usize,
    /// Size of the KV cache: keys and values of running requests, and of cached prefixes. Raised to the size of one
    /// whole context if it is less.
    pub cache_bytes: usize,
}

/// What a loaded model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelProfile {
    /// The name in its file, or the file's own name.
    pub name: String,
    /// The architecture in GGUF; [`crate::Support`] tells how it is run.
    pub architecture: String,
    /// Maximum tokens of prompt and answer together.
    pub context_tokens: usize,
    /// Number of tokens in its vocabulary.
    pub vocabulary_tokens: usize,
    /// Size of its file.
    pub file_bytes: u64,
    /// How long loading took.
    pub load_seconds: f64,
    /// Threads it computes with.
    pub threads: usize,
}

/// Block ids have 32 bits; this many leave room to spare.
const MAX_BLOCKS: usize = 1 << 24;

/// A model in memory, and the thread that owns it. Dropping it ends the thread after its current step.
pub struct Engine {
    profile: ModelProfile,
    tokenizer: Tokenizer,
    vocabulary: Arc<Vocabulary>,
    template: ChatTemplate,
    scheduler: Arc<Scheduler>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Loads the GGUF file at `path`, which may be hostile. Blocks for as long as reading the file takes.
    pub fn load(path: &Path, options: EngineOptions) -> Result<Self, LoadError> {
        let started = Instant::now();
        let gguf = GgufFile::open(path)?;
        let vocabulary = Vocabulary::read(&gguf)?;
        let architecture = Architecture::read(&gguf, vocabulary.len())?;
        let tokenizer = Tokenizer::new(&gguf, &vocabulary)?;
        let template = ChatTemplate::read(&gguf, &vocabulary)?;
        let KvSize { context_tokens, blocks } = KvSize::of(&architecture, options);
        let mut profile = ModelProfile {
            name: model_name(&gguf, path)?,
            architecture: architecture.name().to_owned(),
            context_tokens,
            vocabulary_tokens: vocabulary.len(),
            file_bytes: gguf.file_bytes,
            load_seconds: 0.0,
            threads: compute_threads(),
        };
        if profile.threads != options.threads {
            tracing::warn!(
                requested = options.threads,
                used = profile.threads,
                "cannot change the number of compute threads"
            );
        }
        let model = LoadedModel::load(gguf, architecture, vocabulary.len(), blocks)?;
        profile.load_seconds = started.elapsed().as_secs_f64();
        let slots = options.parallel.min(model.max_parallel());
        let scheduler = Arc::new(Scheduler::new(slots, options.queue_length));
        let vocabulary = Arc::new(vocabulary);
        let batch_loop = BatchLoop::new(model, Arc::clone(&vocabulary), Arc::clone(&scheduler), blocks);
        let thread = std::thread::Builder::new().name("llm-engine".to_owned());
        let thread = thread.spawn(move || batch_loop.run()).map_err(LoadError::Thread)?;
        Ok(Self { profile, tokenizer, vocabulary, template, scheduler, thread: Mutex::new(Some(thread)) })
    }

    /// What was loaded.
    pub fn profile(&self) -> &ModelProfile {
        &self.profile
    }

    /// The exact number of tokens that `messages` take as a prompt.
    pub fn count_prompt_tokens(&self, messages: &[Message]) -> Result<usize, GenerateError> {
        self.encode(messages).map(|tokens| tokens.len())
    }

    /// Reserves an answer: [`GenerateError::Overloaded`] when as many as the options allow are in progress or wait,
    /// [`GenerateError::Unavailable`] after [`Engine::shutdown`].
    pub fn reserve(&self) -> Result<Ticket, GenerateError> {
        self.scheduler.reserve()
    }

    /// Checks that the engine's thread runs.
    pub fn check(&self) -> Result<(), GenerateError> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        match thread.as_ref() {
            Some(thread) if !thread.is_finished() => Ok(()),
            _ => Err(GenerateError::Unavailable("the engine has stopped".into())),
        }
    }

    /// Starts an answer that nobody reserved, or refuses at once with [`GenerateError::Overloaded`] or an error of
    /// [`Engine::generate_reserved`].
    pub fn generate(&self, request: GenerationRequest) -> Result<GenerationStream, GenerateError> {
        self.generate_reserved(request, self.reserve()?)
    }

    /// Starts an answer, or refuses at once: with [`GenerateError::ContextTooLong`], [`GenerateError::Unavailable`] after
    /// [`Engine::shutdown`], and [`GenerateError::Failed`] if the model's chat template does not allow the messages.
    /// Encodes the prompt on the caller's thread, which takes milliseconds.
    pub fn generate_reserved(
        &self,
        request: GenerationRequest,
        ticket: Ticket,
    ) -> Result<GenerationStream, GenerateError> {
        let deadline = Instant::now().checked_add(request.deadline);
        let prompt = self.encode(&request.messages)?;
        let GenerationRequest { sampling, max_tokens, stop, .. } = request;
        self.submit(|events| Request {
            prompt,
            sampling,
            mask: None,
            max_tokens,
            stop,
            deadline,
            events,
            reported_position: 0,
            ticket: Some(ticket),
        })
    }

    /// Generates `max_tokens` tokens after `prompt`, which is not empty and not rendered by the chat template.
    pub(crate) fn continue_tokens(
        &self,
        prompt: Vec<u32>,
        max_tokens: usize,
        sampling: Sampling,
        mask: Option<TokenMask>,
    ) -> Result<GenerationStream, GenerateError> {
        let ticket = Some(self.reserve()?);
        self.submit(|events| Request {
            prompt,
            sampling,
            mask,
            max_tokens,
            stop: Vec::new(),
            deadline: None,
            events,
            reported_position: 0,
            ticket,
        })
    }

    /// The model's tokens.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn submit(
        &self,
        request: impl FnOnce(EventSender) -> Request,
    ) -> Result<GenerationStream, GenerateError> {
        let (events, reader) = unbounded_channel();
        let request = request(events);
        let (prompt_tokens, context_tokens) = (request.total_tokens(), self.profile.context_tokens);
        if prompt_tokens > context_tokens {
            return Err(GenerateError::ContextTooLong { prompt_tokens, context_tokens });
        }
        self.scheduler.submit(request)?;
        Ok(stream(reader))
    }

    /// Forgets every cached prefix, so that no later prompt shares a text with an earlier one. Requests that run keep theirs
    /// until they end.
    pub fn forget_prefixes(&self) {
        self.scheduler.request_forgetting();
    }

    /// Ends all answers with [`GenerateError::Unavailable`], and waits for the thread, at most one step. May be called
    /// twice.
    pub fn shutdown(&self) {
        self.scheduler.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the engine's thread had panicked");
        }
    }

    fn encode(&self, messages: &[Message]) -> Result<Vec<u32>, GenerateError> {
        let prompt = self.template.render(messages).map_err(|error| GenerateError::Failed(error.into()))?;
        let tokens = self.tokenizer.encode(&prompt).map_err(|error| GenerateError::Failed(error.into()))?;
        if tokens.is_empty() {
            return Err(GenerateError::Failed("the prompt is empty".into()));
        }
        Ok(tokens)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.scheduler.close();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The size of the context window, and of the KV cache.
struct KvSize {
    context_tokens: usize,
    blocks: usize,
}

impl KvSize {
    fn of(architecture: &Architecture, options: EngineOptions) -> Self {
        let max_tokens = architecture.context_tokens();
        let blocks = match architecture.block_bytes() {
            Some(block_bytes) => (options.cache_bytes / block_bytes).clamp(1, MAX_BLOCKS),
            None => max_tokens.div_ceil(BLOCK_TOKENS),
        };
        let context_tokens = match options.context_tokens {
            Some(tokens) => tokens.min(max_tokens),
            None => max_tokens.min(blocks * BLOCK_TOKENS),
        };
        Self { context_tokens, blocks: blocks.max(context_tokens.div_ceil(BLOCK_TOKENS)) }
    }
}

fn model_name(gguf: &GgufFile, path: &Path) -> Result<String, LoadError> {
    let file_name = || path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(gguf.text("general.name")?.map_or_else(file_name, str::to_owned))
}

/// The reader's end of an answer: events up to the last one. If the engine's thread is gone, the stream ends with an
/// error instead of silence.
fn stream(reader: UnboundedReceiver<Result<GenerationEvent, GenerateError>>) -> GenerationStream {
    Box::pin(futures::stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        let stopped = || Err(GenerateError::Failed("the engine stopped".into()));
        let event = reader.recv().await.unwrap_or_else(stopped);
        let is_last = matches!(event, Ok(GenerationEvent::Done { .. }) | Err(_));
        Some((event, (!is_last).then_some(reader)))
    }))
}

#[cfg(test)]
mod tests;
