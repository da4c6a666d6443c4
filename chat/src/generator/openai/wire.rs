//! The request and the events of OpenAI's chat completions API, as far as they are used.

use domain::GenerationRequest;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct Completion<'a> {
    model: &'a str,
    messages: Vec<CompletionMessage<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    max_tokens: usize,
    temperature: f32,
    top_p: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

#[derive(Serialize)]
struct CompletionMessage<'a> {
    role: domain::Role,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Completion<'a> {
    pub(super) fn new(model: &'a str, request: &'a GenerationRequest) -> Self {
        Self {
            model,
            messages: request
                .messages
                .iter()
                .map(|message| CompletionMessage { role: message.role, content: &message.content })
                .collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_tokens: request.max_tokens,
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            seed: request.sampling.seed,
            stop: &request.stop,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<ReportedUsage>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) delta: Delta,
    pub(super) finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ReportedUsage {
    pub(super) prompt_tokens: usize,
    pub(super) completion_tokens: usize,
}
