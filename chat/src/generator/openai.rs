//! Implements [`Generator`] on a server with OpenAI's `POST /chat/completions` and `stream: true`.
//!
//! The administrator configures the server, but its responses are not trusted: events and answers are bounded, a request
//! ends at its deadline, and redirects are not followed (they would leak the key).

mod bounded;
mod queue;
mod server;
mod wire;

use std::sync::Arc;

use async_stream::try_stream;
use async_trait::async_trait;
use domain::{
    Cause, FinishReason, GenerateError, GenerationEvent, GenerationRequest, GenerationStream, Generator,
    LanguageCoverage, Message, Ticket, Usage,
};
use eventsource_stream::{EventStreamError, Eventsource};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use self::bounded::{ReadError, bounded};
use self::queue::Queue;
pub use self::server::OpenAiOptions;
use self::server::Server;
use self::wire::Part;

/// Maximum size of an answer.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A remote model.
pub struct OpenAiGenerator {
    server: Arc<Server>,
    queue: Queue,
}

impl OpenAiGenerator {
    /// Creates the client; the first request is the first contact with the server.
    pub fn new(options: OpenAiOptions) -> Result<Self, GenerateError> {
        let queue = Queue::new(options.parallel, options.queue_length);
        Ok(Self { server: Arc::new(Server::new(options)?), queue })
    }
}

#[async_trait]
impl Generator for OpenAiGenerator {
    fn model(&self) -> &str {
        &self.server.options.model
    }

    fn coverage(&self) -> &LanguageCoverage {
        &LanguageCoverage::Any
    }

    fn context_tokens(&self) -> usize {
        self.server.options.context_tokens
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

    fn reserve(&self) -> Result<Ticket, GenerateError> {
        self.queue.reserve()
    }

    /// The server is first asked when the stream is read, so that a reader who leaves also ends the wait for it.
    async fn generate(
        &self,
        request: GenerationRequest,
        ticket: Ticket,
    ) -> Result<GenerationStream, GenerateError> {
        let context_tokens = self.context_tokens();
        let prompt_tokens = self.count_prompt_tokens(&request.messages)? + request.max_tokens;
        if prompt_tokens > context_tokens {
            return Err(GenerateError::ContextTooLong { prompt_tokens, context_tokens });
        }
        Ok(Box::pin(answer(Arc::clone(&self.server), self.queue.clone(), request, ticket)))
    }

    async fn check(&self) -> Result<(), GenerateError> {
        self.server.check().await
    }
}

/// Waits for a slot, sends the request, and streams what the server answers.
fn answer(
    server: Arc<Server>,
    queue: Queue,
    request: GenerationRequest,
    ticket: Ticket,
) -> impl Stream<Item = Result<GenerationEvent, GenerateError>> + Send {
    let deadline = Instant::now() + request.deadline;
    try_stream! {
        let slot = match queue.try_enter() {
            Some(slot) => slot,
            None => {
                let waiting = queue.begin_to_wait();
                yield GenerationEvent::Queued { position: waiting.position };
                timeout_at(deadline, queue.enter()).await.map_err(|_| GenerateError::DeadlineExceeded)??
            }
        };
        let response = timeout_at(deadline, server.complete(&request)).await;
        let response = response.map_err(|_| GenerateError::DeadlineExceeded)??;
        let mut last = None;
        for await event in events(response, deadline) {
            match event? {
                done @ GenerationEvent::Done { .. } => last = Some(done),
                event => yield event,
            }
        }
        // Before the last event: a reader that asks again after it must find room.
        drop((slot, ticket));
        if let Some(done) = last {
            yield done;
        }
    }
}

/// Translates the server's events until `[DONE]`, the deadline, or the maximum size.
fn events(
    response: reqwest::Response,
    deadline: Instant,
) -> impl Stream<Item = Result<GenerationEvent, GenerateError>> + Send {
    try_stream! {
        let mut stream = std::pin::pin!(bounded(response.bytes_stream()).eventsource());
        let mut finish_reason = None;
        let mut usage = Usage::default();
        let mut answer_bytes = 0;
        while let Some(event) = timeout_at(deadline, stream.next())
            .await
            .map_err(|_| GenerateError::DeadlineExceeded)?
        {
            let event = event.map_err(read_error)?;
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

fn read_error(error: EventStreamError<ReadError<reqwest::Error>>) -> GenerateError {
    match error {
        EventStreamError::Transport(ReadError::TooLong) => {
            GenerateError::Failed(ReadError::<reqwest::Error>::TooLong.into())
        }
        error => GenerateError::Unavailable(error.into()),
    }
}

fn invalid_event(error: serde_json::Error) -> GenerateError {
    GenerateError::Failed(Cause::with_context("the server sent an invalid event", error))
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
