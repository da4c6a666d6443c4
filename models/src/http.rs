//! Sends HTTP requests to the sources: trust, credentials, and errors for users.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use crate::error::ModelError;
use crate::options::{RetryPolicy, SourceOptions};
use crate::source_error::SourceError;

/// Maximum of `Retry-After` that is honoured: a user is watching the progress bar.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// HTTP clients with the credentials of the sources.
pub(crate) struct Http {
    /// Follows redirects anywhere. `reqwest` drops `Authorization` when a redirect leaves scheme, host or port.
    client: Client,
    /// Follows redirects on the same host only: the headers that announce a file are the host's own, not its storage's.
    same_host_client: Client,
    pub(crate) hugging_face: Url,
    bearer: Option<HeaderValue>,
    pub(crate) index: Url,
    pub(crate) retry: RetryPolicy,
}

/// How a request is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `GET`, following redirects to any host.
    Get,
    /// `HEAD`, answered by the named host itself.
    HeadSameHost,
}

impl Http {
    pub(crate) fn new(options: &SourceOptions) -> Result<Self, ModelError> {
        let certificates = extra_certificates(options)?;
        let builder = || client_builder(options.retry, &certificates);
        let built = |client: reqwest::Result<Client>| {
            client.map_err(|error| ModelError::InvalidSetting { name: "TLS", reason: root_cause(&error) })
        };
        let bearer = options.hugging_face_token.as_ref().map(bearer).transpose()?;
        Ok(Self {
            client: built(builder().redirect(Policy::limited(10)).build())?,
            same_host_client: built(builder().redirect(same_host_policy()).build())?,
            hugging_face: base_url("HF_ENDPOINT", &options.hugging_face_endpoint)?,
            bearer,
            index: base_url("PIP_INDEX_URL", &options.package_index)?,
            retry: options.retry,
        })
    }

    /// Sends one request, once. A status other than success (or redirect, for [`Method::HeadSameHost`]) is an error.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
    ) -> Result<Response, SourceError> {
        let mut request = match method {
            Method::Get => self.client.get(url.clone()),
            Method::HeadSameHost => self.same_host_client.head(url.clone()),
        };
        // Lengths and ranges must count the bytes of the file itself, not of a compressed body.
        request = request.headers(headers).header(ACCEPT_ENCODING, "identity");
        if let Some(bearer) = self.bearer.as_ref().filter(|_| same_host(url, &self.hugging_face)) {
            request = request.header(AUTHORIZATION, bearer);
        }
        let response = request.send().await.map_err(|error| request_error(url, &error))?;
        let status = response.status();
        if status.is_success() || (method == Method::HeadSameHost && status.is_redirection()) {
            return Ok(response);
        }
        Err(status_error(url, &response))
    }

    /// Adds the index's credentials to a link on the index's host: packages there require them as well.
    pub(crate) fn with_index_credentials(&self, mut link: Url) -> Url {
        if same_host(&link, &self.index) && link.username().is_empty() {
            // These setters fail only for URLs without a host, and this URL has the index's host.
            let _ = link.set_username(self.index.username());
            let _ = link.set_password(self.index.password());
        }
        link
    }
}

fn client_builder(retry: RetryPolicy, certificates: &[Certificate]) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("daedap/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(retry.connect_timeout)
        .read_timeout(retry.stall_timeout);
    match certificates {
        // The platform's verifier trusts a company's own authorities; on Linux it reads SSL_CERT_FILE and SSL_CERT_DIR.
        [] => builder,
        extra => builder.tls_certs_merge(extra.iter().cloned()),
    }
}

fn extra_certificates(options: &SourceOptions) -> Result<Vec<Certificate>, ModelError> {
    let Some(path) = &options.extra_certificates else { return Ok(Vec::new()) };
    let unusable = |reason: String| ModelError::InvalidSetting { name: "PIP_CERT", reason };
    let pem = std::fs::read(path).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
    Certificate::from_pem_bundle(&pem)
        .map_err(|error| unusable(format!("{}: {}", path.display(), root_cause(&error))))
}

fn bearer(token: &SecretString) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
        ModelError::InvalidSetting {
            name: "HF_TOKEN",
            reason: "it contains characters that are not allowed in a header".to_owned(),
        }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Parses a base URL. It must end in a slash: `Url::join` would replace the last segment otherwise.
fn base_url(name: &'static str, text: &str) -> Result<Url, ModelError> {
    // The text may contain a password: no message may repeat it.
    let unusable = |reason: &str| ModelError::InvalidSetting { name, reason: reason.to_owned() };
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/')))
        .map_err(|error| unusable(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(unusable("it must begin with `http://` or `https://`")),
    }
}

fn same_host_policy() -> Policy {
    Policy::custom(|attempt| {
        let is_same_host = attempt.previous().last().is_some_and(|from| same_host(from, attempt.url()));
        if is_same_host && attempt.previous().len() < 10 { attempt.follow() } else { attempt.stop() }
    })
}

fn same_host(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// A URL for messages: without credentials, and without the query, which holds them on storage hosts.
pub(crate) fn display_url(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path())
}

/// The error of a request without a response, or with a broken one.
pub(crate) fn request_error(url: &Url, error: &reqwest::Error) -> SourceError {
    let reason = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "the connection timed out".to_owned(),
        (true, false) => "the server stopped sending data".to_owned(),
        (false, _) => root_cause(error),
    };
    match error.is_builder() || error.is_redirect() {
        true => SourceError::permanent(display_url(url), reason),
        false => SourceError::temporary(display_url(url), reason),
    }
}

fn status_error(url: &Url, response: &Response) -> SourceError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    let is_temporary = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let location = display_url(url);
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        return SourceError::OutOfRange { location };
    }
    let reason = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!(
                "the server answered {status}; if it is private or gated, set `HF_TOKEN` (or credentials in `PIP_INDEX_URL`)"
            )
        }
        _ => format!("the server answered {status}"),
    };
    match is_temporary {
        true => SourceError::Temporary { location, reason, retry_after },
        false => SourceError::Permanent { location, reason },
    }
}

/// The root cause of an error: the messages of `reqwest` above it name no cause, or repeat each other.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(index: &str) -> Http {
        Http::new(&SourceOptions { package_index: index.to_owned(), ..SourceOptions::default() }).unwrap()
    }

    #[test]
    fn an_index_works_with_and_without_a_trailing_slash() {
        for index in ["https://index.example/simple", "https://index.example/simple/"] {
            assert_eq!(
                http(index).index.join("tiny/").unwrap().as_str(),
                "https://index.example/simple/tiny/"
            );
        }
    }

    #[test]
    fn credentials_go_to_the_index_s_own_host_only() {
        let http = http("https://kim:s3cret@index.example/simple");
        let given = |link: &str| http.with_index_credentials(Url::parse(link).unwrap()).to_string();
        assert_eq!(given("https://index.example/f/a.whl"), "https://kim:s3cret@index.example/f/a.whl");
        assert_eq!(given("https://files.example/a.whl"), "https://files.example/a.whl");
        assert_eq!(given("http://index.example/a.whl"), "http://index.example/a.whl");
    }

    #[test]
    fn no_message_shows_credentials() {
        let url = Url::parse("https://kim:s3cret@index.example/a.whl?signature=s3cret").unwrap();
        assert_eq!(display_url(&url), "index.example/a.whl");
        let options =
            SourceOptions { package_index: "ftp://kim:s3cret@x/".to_owned(), ..SourceOptions::default() };
        let error = Http::new(&options).err().unwrap().to_string();
        assert!(error.contains("PIP_INDEX_URL") && !error.contains("s3cret"), "{error}");
    }
}
