//! Wires what writes answers: the local engine, or an OpenAI-compatible server, and the conversation over it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use chat::generator::{LocalGenerator, OpenAiGenerator, OpenAiOptions};
use chat::{Chat, ChatOptions, ChatParts};
use domain::{Generator, Sampling};
use llm::{Engine, EngineOptions};
use tokio::sync::watch;

use crate::config::{Config, GeneratorConfig};
use crate::knowledge::KnowledgeBase;
use crate::model_files::{ModelFiles, threads};

/// Context window assumed of a server that the settings say nothing about.
const DEFAULT_SERVER_CONTEXT_TOKENS: usize = 8_192;

/// What answers questions; the engine where it is the local one.
pub(crate) struct Answering {
    pub(crate) chat: Chat,
    pub(crate) engine: Option<Arc<Engine>>,
}

impl Answering {
    /// Loads the language model that the settings mean, and puts the conversation over it.
    pub(crate) async fn open(
        config: &Config,
        models: &ModelFiles,
        knowledge: &KnowledgeBase,
    ) -> Result<Self> {
        let (generator, engine) = open_generator(config, models).await?;
        if let Some(engine) = &engine {
            tokio::spawn(forget_erased(Arc::downgrade(engine), knowledge.ingest.erased()));
        }
        let chat = Chat::new(ChatParts {
            db: knowledge.db.clone(),
            retriever: knowledge.retriever.clone(),
            analyzer: knowledge.analyzer.clone(),
            generator,
            options: chat_options(config),
        });
        Ok(Self { chat, engine })
    }
}

/// Empties the engine's prefix cache whenever documents are deleted: it holds passages.
async fn forget_erased(engine: Weak<Engine>, mut erased: watch::Receiver<()>) {
    while erased.changed().await.is_ok() {
        let Some(engine) = engine.upgrade() else { return };
        engine.forget_prefixes();
    }
}

async fn open_generator(
    config: &Config,
    models: &ModelFiles,
) -> Result<(Arc<dyn Generator>, Option<Arc<Engine>>)> {
    if !config.generator.url.is_empty() {
        return Ok((Arc::new(server_generator(config)?), None));
    }
    let file = models.generator(config)?;
    let options = engine_options(config);
    let path = file.path.clone();
    let engine = tokio::task::spawn_blocking(move || Engine::load(&path, options))
        .await?
        .with_context(|| format!("cannot load the model `{}`", file.path.display()))?;
    let engine = Arc::new(engine);
    Ok((Arc::new(LocalGenerator::new(engine.clone(), file.name, file.coverage)), Some(engine)))
}

fn server_generator(config: &Config) -> Result<OpenAiGenerator> {
    let GeneratorConfig { url, api_key, context_tokens, parallel, queue_length, .. } = &config.generator;
    Ok(OpenAiGenerator::new(OpenAiOptions {
        base_url: url.expose().to_owned(),
        api_key: api_key.for_client(),
        model: config.model.clone(),
        context_tokens: if *context_tokens == 0 { DEFAULT_SERVER_CONTEXT_TOKENS } else { *context_tokens },
        parallel: *parallel,
        queue_length: *queue_length,
    })?)
}

/// How the settings want a local model to run.
pub fn engine_options(config: &Config) -> EngineOptions {
    let settings = &config.generator;
    EngineOptions {
        threads: threads(settings.threads),
        context_tokens: (settings.context_tokens > 0).then_some(settings.context_tokens),
        parallel: settings.parallel,
        queue_length: settings.queue_length,
        cache_bytes: settings.cache_mib << 20,
    }
}

fn chat_options(config: &Config) -> ChatOptions {
    let chat = &config.chat;
    ChatOptions {
        passages: chat.passages,
        answer_tokens: chat.answer_tokens,
        question_characters: chat.question_characters,
        deadline: Duration::from_secs(chat.deadline_seconds),
        sampling: Sampling {
            temperature: chat.temperature,
            top_p: chat.top_p,
            min_p: chat.min_p,
            repeat_penalty: chat.repeat_penalty,
            seed: None,
        },
    }
}
