//! Calls the server, and tells its refusals apart by what helps against them.

use std::time::Duration;

use domain::{GenerateError, GenerationRequest};
use futures::StreamExt;
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::wire::Completion;

/// Maximum size of an error body in a message.
const MAX_ERROR_BYTES: usize = 500;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the operating system asks whether a silent server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The server's address, its model and limits. The address may hold a password, so it has no `Debug`.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// The URL without `/chat/completions`, such as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// Bearer token; `None` sends no token.
    pub api_key: Option<SecretString>,
    /// The model's name on the server.
    pub model: String,
    /// Context window: maximum number of tokens of prompt and answer together; the API cannot be asked for it.
    pub context_tokens: usize,
    /// Maximum number of answers that the server is asked for at the same time.
    pub parallel: usize,
    /// Maximum number of answers that wait for that.
    pub queue_length: usize,
}

/// The server, and how to reach it.
pub(super) struct Server {
    client: reqwest::Client,
    pub(super) options: OpenAiOptions,
}

impl Server {
    /// Without a limit on the time between two reads: a model may think for minutes, and the deadline of a request is the
    /// only limit on it.
    pub(super) fn new(options: OpenAiOptions) -> Result<Self, GenerateError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| GenerateError::Unavailable(error.into()))?;
        Ok(Self { client, options })
    }

    /// Sends a request; the response is the beginning of a stream of events.
    pub(super) async fn complete(&self, request: &GenerationRequest) -> Result<Response, GenerateError> {
        let call = self.client.post(self.url("/chat/completions"));
        let call = call.json(&Completion::new(&self.options.model, request));
        let response = self.authorized(call).send().await.map_err(network_error)?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(GenerateError::Overloaded),
            status => {
                let answer = format!("the server answered {status}: {}", error_text(response).await);
                Err(match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => GenerateError::KeyRefused(answer),
                    StatusCode::NOT_FOUND => GenerateError::ModelNotFound(answer),
                    _ => GenerateError::Unavailable(answer.into()),
                })
            }
        }
    }

    /// Checks that the server answers and takes the key. Not every server lists its models, so another refusal is fine.
    pub(super) async fn check(&self) -> Result<(), GenerateError> {
        let call = self.authorized(self.client.get(self.url("/models")));
        let response = call.timeout(CHECK_TIMEOUT).send().await.map_err(network_error)?;
        let status = response.status();
        let answer = format!("the server answered {status}");
        match status {
            StatusCode::UNAUTHORIZED => Err(GenerateError::KeyRefused(answer)),
            _ if status.is_server_error() => Err(GenerateError::Unavailable(answer.into())),
            _ => Ok(()),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.options.base_url.trim_end_matches('/'))
    }

    fn authorized(&self, call: RequestBuilder) -> RequestBuilder {
        match &self.options.api_key {
            Some(key) => call.bearer_auth(key.expose_secret()),
            None => call,
        }
    }
}

fn network_error(error: reqwest::Error) -> GenerateError {
    GenerateError::Unavailable(error.into())
}

/// Reads the beginning of an error body, however long the body is.
async fn error_text(response: Response) -> String {
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
