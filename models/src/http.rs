//! The HTTP client of this crate: whom it trusts, where it sends credentials, and how its failures read.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode, Url};

use crate::error::SourceError;
use crate::{ModelError, Patience, SourceOptions};

/// A server that asks for more than this gets less: waiting longer helps nobody who sits before a progress bar.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Clients and credentials.
pub(crate) struct Http {
    /// Follows redirects anywhere. `reqwest` drops `Authorization` when a redirect leaves scheme, host or port.
    client: Client,
    /// Stays on the host it was sent to: what that host announces is in its own answer, not in its storage's.
    staying: Client,
    pub(crate) hugging_face: Url,
    bearer: Option<HeaderValue>,
    pub(crate) index: Url,
    pub(crate) patience: Patience,
}

/// A request's method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The content, wherever redirects lead.
    Get,
    /// The headers, from the named host itself.
    HeadHere,
}

impl Http {
    pub(crate) fn new(options: &SourceOptions) -> Result<Self, ModelError> {
        let certificates = extra_certificates(options)?;
        let builder = || client_builder(options.patience, &certificates);
        let built = |client: reqwest::Result<Client>| {
            client.map_err(|error| ModelError::Setting { name: "TLS", reason: innermost(&error) })
        };
        let bearer = options.hugging_face_token.as_deref().map(bearer).transpose()?;
        Ok(Self {
            client: built(builder().redirect(Policy::limited(10)).build())?,
            staying: built(builder().redirect(stay_on_host()).build())?,
            hugging_face: base_url("HF_ENDPOINT", &options.hugging_face_endpoint)?,
            bearer,
            index: base_url("PIP_INDEX_URL", &options.package_index)?,
            patience: options.patience,
        })
    }

    /// Sends one request, once. Answers other than success (for [`Ask::HeadHere`]: or redirect) are errors.
    pub(crate) async fn ask(&self, ask: Ask, url: &Url, headers: HeaderMap) -> Result<Response, SourceError> {
        let mut request = match ask {
            Ask::Get => self.client.get(url.clone()),
            Ask::HeadHere => self.staying.head(url.clone()),
        };
        // A length and a range must count the file's own bytes.
        request = request.headers(headers).header(ACCEPT_ENCODING, "identity");
        if let Some(bearer) = self.bearer.as_ref().filter(|_| same_host(url, &self.hugging_face)) {
            request = request.header(AUTHORIZATION, bearer);
        }
        let response = request.send().await.map_err(|error| failure(url, &error))?;
        let status = response.status();
        if status.is_success() || (ask == Ask::HeadHere && status.is_redirection()) {
            return Ok(response);
        }
        Err(refusal(url, &response))
    }

    /// Gives a link the index's credentials if it is on the index's host: packages often are, and need them.
    pub(crate) fn with_index_credentials(&self, mut link: Url) -> Url {
        if same_host(&link, &self.index) && link.username().is_empty() {
            // These setters refuse only URLs without a host, and such a URL is not on the index's.
            let _ = link.set_username(self.index.username());
            let _ = link.set_password(self.index.password());
        }
        link
    }
}

fn client_builder(patience: Patience, certificates: &[Certificate]) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("daedap/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(patience.connect)
        .read_timeout(patience.stall);
    match certificates {
        // The platform's own verifier knows a company's authorities; on Linux it honours SSL_CERT_FILE and _DIR.
        [] => builder,
        extra => builder.tls_certs_merge(extra.iter().cloned()),
    }
}

fn extra_certificates(options: &SourceOptions) -> Result<Vec<Certificate>, ModelError> {
    let Some(path) = &options.extra_certificates else { return Ok(Vec::new()) };
    let unusable = |reason: String| ModelError::Setting { name: "PIP_CERT", reason };
    let pem = std::fs::read(path).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
    Certificate::from_pem_bundle(&pem)
        .map_err(|error| unusable(format!("{}: {}", path.display(), innermost(&error))))
}

fn bearer(token: &str) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ModelError::Setting {
        name: "HF_TOKEN",
        reason: "it holds characters that no header may hold".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads a base URL; it ends in a slash, so that joining a path keeps its own.
fn base_url(name: &'static str, text: &str) -> Result<Url, ModelError> {
    // The text may hold a password, so no message repeats it.
    let unusable = |reason: &str| ModelError::Setting { name, reason: reason.to_owned() };
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/')))
        .map_err(|error| unusable(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(unusable("it must begin with http:// or https://")),
    }
}

fn stay_on_host() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt.previous().last().is_some_and(|from| same_host(from, attempt.url()));
        if stays && attempt.previous().len() < 10 { attempt.follow() } else { attempt.stop() }
    })
}

fn same_host(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// A URL for people: without credentials, and without the query that holds them on storage hosts.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path())
}

/// What went wrong on the way.
pub(crate) fn failure(url: &Url, error: &reqwest::Error) -> SourceError {
    let reason = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection in time".to_owned(),
        (true, false) => "no data came for too long".to_owned(),
        (false, _) => innermost(error),
    };
    match error.is_builder() || error.is_redirect() {
        true => SourceError::refused(shown(url), reason),
        false => SourceError::passing(shown(url), reason),
    }
}

fn refusal(url: &Url, response: &Response) -> SourceError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    let may_pass = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let place = shown(url);
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        return SourceError::OutOfRange { place };
    }
    let reason = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!(
                "answered {status}; if it is private or gated, set HF_TOKEN (or credentials in PIP_INDEX_URL)"
            )
        }
        _ => format!("answered {status}"),
    };
    match may_pass {
        true => SourceError::Passing { place, reason, retry_after },
        false => SourceError::Refused { place, reason },
    }
}

/// The innermost cause of an error: `reqwest`'s own message names none, and the ones between repeat each other.
fn innermost(error: &reqwest::Error) -> String {
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
        assert_eq!(shown(&url), "index.example/a.whl");
        let options =
            SourceOptions { package_index: "ftp://kim:s3cret@x/".to_owned(), ..SourceOptions::default() };
        let error = Http::new(&options).err().unwrap().to_string();
        assert!(error.contains("PIP_INDEX_URL") && !error.contains("s3cret"), "{error}");
    }
}
