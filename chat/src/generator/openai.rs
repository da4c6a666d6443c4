//! Implements [`Generator`] on a server with OpenAI's `POST /chat/completions` and `stream: true`.
//!
//! The administrator configures the server, but its responses are not trusted: bodies are bounded, an idle stream times
//! out, and redirects are not followed (they would leak the key).

use std::time::Duration;

use async_stream::try_stream;
use async_trait::async_trait;
use domain::{
    Cause, FinishReason, GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Generator,
    LanguageCoverage, Message, Usage,
};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::{StatusCode, redirect};
use serde::{Deserialize, Serialize};

/// The server's address, its model and limits.
#[derive(Debug, Clone)]
pub struct OpenAiOptions {
    /// The URL without `/chat/completions`, such as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// Bearer token; `None` sends no token.
    pub api_key: Option<String>,
    /// The model's name on the server.
    pub model: String,
    /// Context window: maximum number of tokens of prompt and answer together; the API cannot be asked for it.
    pub context_tokens: usize,
    /// Maximum time between two reads of the stream.
    pub idle_timeout: Duration,
}

/// A remote model.
pub struct OpenAiGenerator {
    client: reqwest::Client,
    options: OpenAiOptions,
}

/// Maximum size of an answer.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Maximum size of an error body in a message.
const MAX_ERROR_BYTES: usize = 500;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl OpenAiGenerator {
    /// Creates the client; the first request is the first contact with the server.
    pub fn new(options: OpenAiOptions) -> Result<Self, GenerateError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(options.idle_timeout)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| GenerateError::Unavailable(error.into()))?;
        Ok(Self { client, options })
    }

    async fn send(&self, request: &GenerationRequest) -> Result<reqwest::Response, GenerateError> {
        let url = format!("{}/chat/completions", self.options.base_url.trim_end_matches('/'));
        let mut call = self.client.post(url).json(&Completion::new(&self.options.model, request));
        if let Some(key) = &self.options.api_key {
            call = call.bearer_auth(key);
        }
        let response = call.send().await.map_err(network_error)?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(GenerateError::Overloaded),
            status => {
                let text = error_text(response).await;
                Err(GenerateError::Unavailable(format!("the server answered {status}: {text}").into()))
            }
        }
    }
}

#[async_trait]
impl Generator for OpenAiGenerator {
    fn model(&self) -> &str {
        &self.options.model
    }

    fn coverage(&self) -> &LanguageCoverage {
        &LanguageCoverage::Any
    }

    fn context_tokens(&self) -> usize {
        self.options.context_tokens
    }

    /// An upper estimate, because the vocabulary is unknown. English has about one token per four bytes, Hangul one per
    /// syllable; this counts one per three ASCII bytes and one and a half per other character.
    fn count_prompt_tokens(&self, messages: &[Message]) -> Result<usize, GenerateError> {
        const OVERHEAD_TOKENS_PER_MESSAGE: usize = 8;
        Ok(messages
            .iter()
            .map(|message| {
                let ascii = message.content.bytes().filter(u8::is_ascii).count();
                let other = message.content.chars().filter(|character| !character.is_ascii()).count();
                OVERHEAD_TOKENS_PER_MESSAGE + ascii.div_ceil(3) + (other * 3).div_ceil(2)
            })
            .sum())
    }

    async fn generate(&self, request: GenerationRequest) -> Result<GenerationStream, GenerateError> {
        let prompt_tokens = self.count_prompt_tokens(&request.messages)?;
        if prompt_tokens + request.max_tokens > self.options.context_tokens {
            return Err(GenerateError::ContextTooLong {
                prompt_tokens: prompt_tokens + request.max_tokens,
                context_tokens: self.options.context_tokens,
            });
        }
        let deadline = tokio::time::Instant::now() + request.deadline;
        let response = tokio::time::timeout_at(deadline, self.send(&request))
            .await
            .map_err(|_| GenerateError::DeadlineExceeded)??;
        Ok(Box::pin(events(response, deadline)))
    }
}

/// Translates the server's events until `[DONE]`, the deadline, or the maximum size.
fn events(
    response: reqwest::Response,
    deadline: tokio::time::Instant,
) -> impl futures::Stream<Item = Result<GenerationEvent, GenerateError>> + Send {
    try_stream! {
        let mut stream = response.bytes_stream().eventsource();
        let mut finish_reason = None;
        let mut usage = Usage::default();
        let mut answer_bytes = 0;
        while let Some(event) = tokio::time::timeout_at(deadline, stream.next())
            .await
            .map_err(|_| GenerateError::DeadlineExceeded)?
        {
            let event = event.map_err(|error| GenerateError::Unavailable(error.into()))?;
            if event.data == "[DONE]" {
                break;
            }
            let part: Part = serde_json::from_str(&event.data).map_err(invalid_event)?;
            if let Some(reported) = part.usage {
                usage = Usage { prompt_tokens: reported.prompt_tokens, cached_tokens: 0, completion_tokens: reported.completion_tokens };
            }
            let Some(choice) = part.choices.into_iter().next() else { continue };
            finish_reason = choice.finish_reason.or(finish_reason);
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                answer_bytes += text.len();
                if answer_bytes > MAX_ANSWER_BYTES {
                    let reason = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes");
                    Err(GenerateError::Failed(reason.into()))?;
                }
                yield GenerationEvent::Delta(text);
            }
        }
        yield GenerationEvent::Done { finish_reason: to_finish_reason(finish_reason.as_deref())?, usage };
    }
}

/// Without a reason the stream was cut off: the partial text must not pass as an answer.
fn to_finish_reason(reported: Option<&str>) -> Result<FinishReason, GenerateError> {
    match reported {
        Some("length") => Ok(FinishReason::Length),
        Some(_) => Ok(FinishReason::Stop),
        None => {
            let reason = "the server ended the stream without a finish reason";
            Err(GenerateError::Unavailable(reason.into()))
        }
    }
}

fn invalid_event(error: serde_json::Error) -> GenerateError {
    GenerateError::Failed(Cause::with_context("the server sent an invalid event", error))
}

fn network_error(error: reqwest::Error) -> GenerateError {
    if error.is_timeout() {
        GenerateError::DeadlineExceeded
    } else {
        GenerateError::Unavailable(error.into())
    }
}

/// Reads the beginning of an error body, however long the body is.
async fn error_text(response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(chunk)) = stream.next().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MAX_ERROR_BYTES {
            bytes.truncate(MAX_ERROR_BYTES);
            break;
        }
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[derive(Serialize)]
struct Completion<'a> {
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
    fn new(model: &'a str, request: &'a GenerationRequest) -> Self {
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
struct Part {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<ReportedUsage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct ReportedUsage {
    prompt_tokens: usize,
    completion_tokens: usize,
}
