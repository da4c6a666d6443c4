//! Connects to whoever holds the data directory, and sends requests there.

use anyhow::{Context, Result, anyhow, bail};
use eventsource_stream::Eventsource;
use futures::{Stream, StreamExt};
use reqwest::header::ACCEPT_LANGUAGE;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::config::Config;
use service::instance_lock::{InstanceLock, LockError};
use service::owner::OwnerToken;
use service::{App, Background, Tasks};
use tower::ServiceExt;
use web::api::errors::{ErrorBody, ErrorEnvelope};
use web::api::events::StreamEvent;

use super::transport::{Transport, in_process, over_http};
use crate::messages::{locale, message};
use crate::progress;

/// A connection to the API.
pub(crate) struct Client {
    transport: Transport,
    /// Only builds requests.
    builder: reqwest::Client,
    /// Of the server: scheme, host and port.
    url: String,
    token: OwnerToken,
    own: Option<OwnService>,
}

/// The service that this process opened because no server holds the data directory.
struct OwnService {
    app: App,
    background: Option<Background>,
    /// `None` for a data directory that nobody else knows.
    _lock: Option<InstanceLock>,
}

impl Client {
    /// Connects to the server that holds the data directory. Where there is none, takes the directory and opens the
    /// service in this process; `tasks` is the background work that the command needs then.
    pub(crate) async fn connect(config: &Config, tasks: Option<Tasks>) -> Result<Self> {
        match InstanceLock::acquire(&config.data_dir) {
            Ok(lock) => Self::open(config.clone(), tasks, Some(lock)).await,
            Err(LockError::Served(url)) => Self::to_server(config, &url),
            Err(error) => Err(error.into()),
        }
    }

    /// Connects to the server that holds the data directory; `None` where there is none.
    pub(crate) fn of_server(config: &Config) -> Result<Option<Self>> {
        match InstanceLock::acquire(&config.data_dir) {
            Ok(_) => Ok(None),
            Err(LockError::Served(url)) => Self::to_server(config, &url).map(Some),
            Err(error) => Err(error.into()),
        }
    }

    fn to_server(config: &Config, url: &str) -> Result<Self> {
        Ok(Self {
            transport: over_http()?,
            builder: builder()?,
            url: url.to_owned(),
            token: OwnerToken::read(&config.data_dir)?,
            own: None,
        })
    }

    /// Opens the service of a data directory that nobody else knows: the scratch folder of a measurement.
    pub(crate) async fn open_scratch(config: Config) -> Result<Self> {
        Self::open(config, None, None).await
    }

    async fn open(mut config: Config, tasks: Option<Tasks>, lock: Option<InstanceLock>) -> Result<Self> {
        // A person waits for the command: what fails now is reported now, not retried for minutes.
        config.ingest.retries = 0;
        let app = App::open(config).await?;
        if tasks == Some(Tasks::Jobs) {
            app.recover().await?;
        }
        let background = tasks.map(|tasks| Background::start(&app, tasks));
        Ok(Self {
            transport: in_process(app.clone()),
            builder: builder()?,
            url: "http://localhost".to_owned(),
            token: app.owner.token().clone(),
            own: Some(OwnService { app, background, _lock: lock }),
        })
    }

    /// The service in this process, where that is what this is connected to.
    pub(crate) fn app(&self) -> Option<&App> {
        self.own.as_ref().map(|own| &own.app)
    }

    /// The server's URL.
    pub(crate) fn server_url(&self) -> &str {
        &self.url
    }

    /// Finishes what was begun in this process: stops background work, and indexes what was ingested.
    pub(crate) async fn close(self) -> Result<()> {
        let Some(OwnService { app, background, .. }) = self.own else { return Ok(()) };
        if let Some(background) = background {
            background.stopped().await;
            let spinner = progress::spinner(message!("cli-ingest-indexing"));
            app.finish_ingestion().await?;
            spinner.finish_and_clear();
        }
        app.close().await;
        Ok(())
    }

    /// Resolves with the reason when the job workers of this process give up. A server's keep trying.
    pub(super) async fn workers_gave_up(&self) -> String {
        match self.app() {
            Some(app) => app.workers_gave_up().await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.url);
        let request = self.builder.request(method, url).bearer_auth(self.token.expose());
        request.header(ACCEPT_LANGUAGE, locale().as_str())
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.receive(self.request(Method::GET, path)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.receive(self.request(Method::POST, path).json(body)).await
    }

    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.receive(self.request(Method::PATCH, path).json(body)).await
    }

    /// Sends a request whose response has no body.
    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        self.send(self.request(Method::DELETE, path)).await?;
        Ok(())
    }

    /// Sends a request, and reads the JSON of the response.
    pub(super) async fn receive<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.send(request).await?;
        response.json().await.with_context(|| message!("cli-server-unexpected"))
    }

    /// Sends a request, and reads the response as a stream of events. `cut_off` is the message for a stream that breaks.
    pub(super) async fn events<E: StreamEvent>(
        &self,
        request: RequestBuilder,
        cut_off: &'static str,
    ) -> Result<impl Stream<Item = Result<E>> + Unpin> {
        let events = self.send(request).await?.bytes_stream().eventsource();
        Ok(Box::pin(events.filter_map(move |event| {
            let decoded = match event {
                Ok(event) => E::decode(&event.event, &event.data)
                    .with_context(|| message!("cli-server-unexpected"))
                    .transpose(),
                Err(error) => Some(Err(anyhow!(error).context(message!(cut_off)))),
            };
            std::future::ready(decoded)
        })))
    }

    /// Sends a request. An error that the API gives is one whose message is the API's.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        match self.try_send(request).await? {
            Ok(response) => Ok(response),
            Err(error) => bail!(error_text(&error.message, &error.code)),
        }
    }

    /// Sends a request, and reads the JSON of the response, or of the error that the API gives.
    pub(super) async fn try_receive<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Result<T, ErrorBody>> {
        match self.try_send(request).await? {
            Ok(response) => {
                Ok(Ok(response.json().await.with_context(|| message!("cli-server-unexpected"))?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn try_send(&self, request: RequestBuilder) -> Result<Result<Response, ErrorBody>> {
        let request = request.build()?;
        let response = self.transport.clone().oneshot(request).await;
        let response = response.with_context(|| message!("cli-server-silent"))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Ok(response));
        }
        match response.json::<ErrorEnvelope>().await {
            Ok(ErrorEnvelope { error }) => Ok(Err(error)),
            Err(_) => bail!(message!("cli-server-status", status = status.to_string())),
        }
    }
}

/// An error of the API as a person reads it.
pub(super) fn error_text(text: &str, code: &str) -> String {
    message!("cli-server-error", message = text, code = code)
}

fn builder() -> Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build().context("cannot create an HTTP client")
}
