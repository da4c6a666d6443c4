//! The settings: one typed tree, read in layers. `default.toml` beside this file is both the defaults and their manual.

mod sources;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use config::builder::DefaultState;
use config::{ConfigBuilder, Environment, File, FileFormat};
use ingest::AllowedHost;
use retriever::Fusion;
use serde::{Deserialize, Serialize};

pub use sources::{SourceConfig, SourcePlace};

/// The defaults with their explanations, as `daedap config --default` prints them.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// All settings. What each means stands in [`DEFAULT_TOML`].
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub data_dir: PathBuf,
    pub models_dir: PathBuf,
    pub model: String,
    pub listen: SocketAddr,
    pub database_url: String,
    pub originals_url: String,
    pub sources: Vec<SourceConfig>,
    pub vectors: VectorsConfig,
    pub embedder: EmbedderConfig,
    pub reranker: RerankerConfig,
    pub generator: GeneratorConfig,
    pub ingest: IngestConfig,
    pub web: WebConfig,
    pub retrieval: RetrievalConfig,
    pub chat: ChatConfig,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct VectorsConfig {
    pub url: String,
    pub api_key: String,
    pub collection: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct EmbedderConfig {
    pub model: String,
    pub threads: usize,
    pub runtime_library: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RerankerConfig {
    pub model: String,
    pub candidates: usize,
    pub deadline_ms: u32,
    pub max_tokens: usize,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GeneratorConfig {
    pub url: String,
    pub api_key: String,
    pub context_tokens: usize,
    pub threads: usize,
    pub parallel: usize,
    pub queue_length: usize,
    pub cache_mib: usize,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IngestConfig {
    pub chunk_tokens: usize,
    pub overlap_tokens: usize,
    pub document_bytes: u64,
    pub workers: usize,
    pub retries: u32,
    pub retry_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WebConfig {
    pub allowed_hosts: Vec<AllowedHost>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RetrievalConfig {
    pub fusion: Fusion,
    pub dense_share: f32,
    pub evidence_threshold: f32,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ChatConfig {
    pub passages: usize,
    pub answer_tokens: usize,
    pub question_characters: usize,
    pub deadline_seconds: u64,
    pub temperature: f32,
    pub top_p: f32,
    pub min_p: f32,
    pub repeat_penalty: f32,
}

/// What the command line says, above all other layers.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The file to read; without it, `daedap.toml` in the data directory is read if it is there.
    pub file: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--model`.
    pub model: Option<String>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--threads`, of the language model.
    pub threads: Option<u64>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or a variable says something that is no setting, or not a value of it.
    #[error("the settings cannot be read: {0}")]
    Unreadable(#[from] config::ConfigError),
    /// A value is out of its bounds.
    #[error("the setting `{setting}` {reason}")]
    OutOfBounds {
        /// Its dotted name.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The user has no home directory, and no data directory was named.
    #[error("there is no home directory; name a folder with --data-dir or DAEDAP_DATA_DIR")]
    NoHome,
}

impl Config {
    /// Reads the layers: defaults, file, `environment` (the process's variables), flags.
    pub fn load(
        overrides: &Overrides,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let variables = settings_of(environment);
        let data_dir = overrides
            .data_dir
            .clone()
            .or_else(|| variables.get("DAEDAP_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from));
        let mut layers = config::Config::builder().add_source(File::from_str(DEFAULT_TOML, FileFormat::Toml));
        if let Some(file) = &overrides.file {
            layers = layers.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        } else {
            let file = data_dir.map_or_else(default_data_dir, Ok)?.join("daedap.toml");
            layers = layers.add_source(File::from(file).format(FileFormat::Toml).required(false));
        }
        let environment = Environment::with_prefix("DAEDAP")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .ignore_empty(true)
            .source(Some(variables));
        let layers = flags(layers.add_source(environment), overrides)?;
        let mut config: Self = layers.build()?.try_deserialize()?;
        if config.data_dir.as_os_str().is_empty() {
            config.data_dir = default_data_dir()?;
        }
        // A database URL needs an absolute path, and a later change of directory must not move anybody's data.
        config.data_dir = std::path::absolute(&config.data_dir).map_err(|_| ConfigError::NoHome)?;
        if config.models_dir.as_os_str().is_empty() {
            config.models_dir = models::default_dir().ok_or(ConfigError::NoHome)?;
        }
        config.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let out =
            |setting, reason: &str| Err(ConfigError::OutOfBounds { setting, reason: reason.to_owned() });
        if !self.listen.ip().is_loopback() {
            return out(
                "listen",
                "must be a loopback address: this version has no keys, and whoever reaches it may do all",
            );
        }
        for (setting, value, range) in [
            ("ingest.chunk_tokens", self.ingest.chunk_tokens, 32..=4_096),
            ("ingest.workers", self.ingest.workers, 1..=64),
            ("ingest.retries", self.ingest.retries as usize, 0..=100),
            (
                "ingest.retry_seconds",
                usize::try_from(self.ingest.retry_seconds).unwrap_or(usize::MAX),
                1..=600,
            ),
            ("reranker.candidates", self.reranker.candidates, 2..=200),
            ("reranker.deadline_ms", self.reranker.deadline_ms as usize, 1..=60_000),
            ("reranker.max_tokens", self.reranker.max_tokens, 32..=8_192),
            ("chat.passages", self.chat.passages, 1..=32),
            ("chat.answer_tokens", self.chat.answer_tokens, 16..=8_192),
            ("chat.question_characters", self.chat.question_characters, 1..=100_000),
            ("generator.parallel", self.generator.parallel, 1..=256),
            ("generator.queue_length", self.generator.queue_length, 1..=10_000),
            ("generator.cache_mib", self.generator.cache_mib, 64..=1 << 20),
        ] {
            if !range.contains(&value) {
                return out(setting, &format!("is {value}; it must lie in {range:?}"));
            }
        }
        for (setting, share) in [
            ("retrieval.dense_share", self.retrieval.dense_share),
            ("retrieval.evidence_threshold", self.retrieval.evidence_threshold),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return out(setting, &format!("is {share}; it must lie in 0..=1"));
            }
        }
        for source in &self.sources {
            if let Err(reason) = source.place().and_then(|_| source.checked()) {
                return out("sources", &reason);
            }
        }
        if self.ingest.overlap_tokens >= self.ingest.chunk_tokens {
            return out("ingest.overlap_tokens", "must be smaller than ingest.chunk_tokens");
        }
        Ok(self)
    }

    /// The effective settings as TOML, keys hidden.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut shown = self.clone();
        for key in [&mut shown.vectors.api_key, &mut shown.generator.api_key] {
            if !key.is_empty() {
                "(set)".clone_into(key);
            }
        }
        if let Some((scheme, rest)) = shown.database_url.split_once("://")
            && let Some((_, host)) = rest.rsplit_once('@')
        {
            shown.database_url = format!("{scheme}://(set)@{host}");
        }
        toml::to_string(&shown)
    }
}

/// The variables that are settings: `DAEDAP_TEST_*` steer tests.
fn settings_of(environment: impl IntoIterator<Item = (String, String)>) -> HashMap<String, String> {
    environment
        .into_iter()
        .filter(|(name, _)| name.starts_with("DAEDAP_") && !name.starts_with("DAEDAP_TEST_"))
        .collect()
}

fn flags(
    layers: ConfigBuilder<DefaultState>,
    overrides: &Overrides,
) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    let data_dir = overrides.data_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
    Ok(layers
        .set_override_option("data_dir", data_dir)?
        .set_override_option("model", overrides.model.clone())?
        .set_override_option("listen", overrides.listen.clone())?
        .set_override_option("generator.threads", overrides.threads)?)
}

fn default_data_dir() -> Result<PathBuf, ConfigError> {
    let project = directories::ProjectDirs::from("", "", "daedap").ok_or(ConfigError::NoHome)?;
    Ok(project.data_dir().to_owned())
}

#[cfg(test)]
mod tests {
    use retriever::RetrievalOptions;

    use super::*;

    fn load(overrides: &Overrides, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(
            overrides,
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn each_layer_overrides_the_one_below() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("daedap.toml");
        std::fs::write(&file, "model = \"from-file\"\n[chat]\npassages = 3\nanswer_tokens = 99\n").unwrap();
        let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
        let config =
            load(&overrides, &[("DAEDAP_CHAT__PASSAGES", "7"), ("DAEDAP_TEST_MODELS", "/x")]).unwrap();
        assert_eq!((config.chat.answer_tokens, config.chat.passages), (99, 7));
        assert_eq!(config.model, "from-file");
        let overrides = Overrides { model: Some("from-flag".to_owned()), ..overrides };
        assert_eq!(load(&overrides, &[("DAEDAP_MODEL", "from-env")]).unwrap().model, "from-flag");
    }

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("daedap.toml"), "[chat]\npasages = 3\n").unwrap();
        let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
        assert!(load(&overrides, &[]).unwrap_err().to_string().contains("pasages"));
        let missing = Overrides { file: Some(dir.path().join("absent.toml")), ..Overrides::default() };
        assert!(load(&missing, &[]).is_err());
    }

    #[test]
    fn other_machines_are_refused_while_there_are_no_keys() {
        let dir = tempfile::tempdir().unwrap();
        let overrides = |listen: &str| Overrides {
            data_dir: Some(dir.path().to_owned()),
            listen: Some(listen.to_owned()),
            ..Overrides::default()
        };
        for listen in ["0.0.0.0:8787", "192.168.0.10:80", "[::]:8787"] {
            let error = load(&overrides(listen), &[]).unwrap_err();
            assert!(matches!(error, ConfigError::OutOfBounds { setting: "listen", .. }), "{listen}");
        }
        assert!(load(&overrides("[::1]:0"), &[]).is_ok());
    }

    #[test]
    fn the_default_search_is_the_one_that_was_measured() {
        let dir = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
        let RetrievalConfig { fusion, dense_share, evidence_threshold } =
            load(&overrides, &[]).unwrap().retrieval;
        let measured = RetrievalOptions::default();
        assert_eq!((fusion, dense_share), (measured.fusion, measured.dense_share));
        assert_eq!(evidence_threshold, measured.evidence_threshold);
    }

    #[test]
    fn shares_lie_between_nothing_and_all() {
        let dir = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
        for (variable, value) in [
            ("DAEDAP_RETRIEVAL__DENSE_SHARE", "1.5"),
            ("DAEDAP_RETRIEVAL__EVIDENCE_THRESHOLD", "-0.1"),
            ("DAEDAP_RETRIEVAL__EVIDENCE_THRESHOLD", "nan"),
            ("DAEDAP_RETRIEVAL__FUSION", "sum"),
        ] {
            assert!(load(&overrides, &[(variable, value)]).is_err(), "{variable}={value}");
        }
        let config = load(&overrides, &[("DAEDAP_RETRIEVAL__FUSION", "reciprocal_rank")]).unwrap();
        assert_eq!(config.retrieval.fusion, Fusion::ReciprocalRank);
    }

    #[test]
    fn a_reranker_is_off_and_has_bounds() {
        let dir = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
        assert_eq!(load(&overrides, &[]).unwrap().reranker.model, "");
        for (variable, value) in [
            ("DAEDAP_RERANKER__CANDIDATES", "1"),
            ("DAEDAP_RERANKER__CANDIDATES", "201"),
            ("DAEDAP_RERANKER__DEADLINE_MS", "0"),
            ("DAEDAP_RERANKER__DEADLINE_MS", "60001"),
            ("DAEDAP_RERANKER__MAX_TOKENS", "31"),
        ] {
            assert!(load(&overrides, &[(variable, value)]).is_err(), "{variable}={value}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let dir = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
        let config = load(
            &overrides,
            &[
                ("DAEDAP_DATABASE_URL", "postgres://ann:hunter2@db/daedap"),
                ("DAEDAP_VECTORS__API_KEY", "hunter2"),
                ("DAEDAP_GENERATOR__API_KEY", "hunter2"),
            ],
        )
        .unwrap();
        let printed = config.to_toml().unwrap();
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("postgres://(set)@db/daedap"), "{printed}");
    }
}
