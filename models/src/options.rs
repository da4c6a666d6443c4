//! Configures the sources of models: addresses, credentials, timeouts and retries.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Addresses and credentials of the sources, and how requests to them are retried.
///
/// An address may hold a password, so it has no `Debug`.
#[derive(Clone)]
pub struct SourceOptions {
    /// Base URL of Hugging Face or a mirror of it.
    pub hugging_face_endpoint: String,
    /// Access token for it; sent to that host only.
    pub hugging_face_token: Option<SecretString>,
    /// Base URL of a Python package index; may hold a user name and a password.
    pub package_index: String,
    /// PEM file with certificate authorities to trust in addition to the system's.
    pub extra_certificates: Option<PathBuf>,
    /// Timeouts and retries.
    pub retry: RetryPolicy,
}

/// Timeouts and retries.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Maximum time to connect.
    pub connect_timeout: Duration,
    /// Maximum time between two reads of a response.
    pub stall_timeout: Duration,
    /// Maximum time for a source to answer a probe.
    pub probe_timeout: Duration,
    /// Maximum time to wait for another process that downloads the same model.
    pub lock_timeout: Duration,
    /// Maximum number of attempts in a row that receive no new bytes.
    pub max_attempts: u32,
    /// Delay before the second attempt; doubled before each further one.
    pub first_delay: Duration,
}

/// Maximum delay between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(30);

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
            probe_timeout: Duration::from_secs(3),
            lock_timeout: Duration::from_secs(3600),
            max_attempts: 6,
            first_delay: Duration::from_millis(500),
        }
    }
}

impl RetryPolicy {
    /// The delay after `failures` failed attempts (from 1).
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first_delay.saturating_mul(1 << doublings).min(MAX_DELAY)
    }
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            hugging_face_endpoint: "https://huggingface.co".to_owned(),
            hugging_face_token: None,
            package_index: "https://pypi.org/simple/".to_owned(),
            extra_certificates: None,
            retry: RetryPolicy::default(),
        }
    }
}

impl SourceOptions {
    /// Reads the environment: `HF_ENDPOINT`, `HF_TOKEN`, `PIP_INDEX_URL`, `PIP_CERT`. `SSL_CERT_FILE`,
    /// `SSL_CERT_DIR` and the proxy variables also apply: the HTTP client reads them itself.
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        // Shells and compose files write "not set" as an empty variable.
        let set =
            |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let default = Self::default();
        Self {
            hugging_face_endpoint: set("HF_ENDPOINT").unwrap_or(default.hugging_face_endpoint),
            hugging_face_token: set("HF_TOKEN").map(SecretString::from),
            package_index: set("PIP_INDEX_URL").unwrap_or(default.package_index),
            extra_certificates: set("PIP_CERT").map(PathBuf::from),
            retry: default.retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variables_are_unset_ones() {
        let options = SourceOptions::from_variables(|name| match name {
            "PIP_INDEX_URL" => Some("https://index.example/simple".to_owned()),
            "HF_TOKEN" => Some(" ".to_owned()),
            "HF_ENDPOINT" => Some(String::new()),
            _ => None,
        });
        assert_eq!(options.package_index, "https://index.example/simple");
        assert!(options.hugging_face_token.is_none());
        assert_eq!(options.hugging_face_endpoint, "https://huggingface.co");
        assert_eq!(options.extra_certificates, None);
    }

    #[test]
    fn delays_double_up_to_a_bound() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay(1), Duration::from_millis(500));
        assert_eq!(policy.delay(3), Duration::from_secs(2));
        assert_eq!(policy.delay(u32::MAX), MAX_DELAY);
    }
}
