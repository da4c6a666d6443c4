//! Reads the settings in layers: defaults, file, environment, flags.

use std::collections::HashMap;
use std::path::PathBuf;

use config::builder::DefaultState;
use config::{ConfigBuilder, Environment, File, FileFormat};

use super::bounds::checked;
use super::error::ConfigError;
use super::settings::Config;

/// The defaults with their explanations, as `daedap config --default` prints them.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

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
        checked(config)
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
    use retriever::{Fusion, RetrievalOptions};

    use super::*;
    use crate::config::settings::RetrievalConfig;

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
        let RetrievalConfig { fusion, dense_share, evidence_threshold, parallel, queue_length } =
            load(&overrides, &[]).unwrap().retrieval;
        let measured = RetrievalOptions::default();
        assert_eq!((parallel, queue_length), (measured.parallel, measured.queue_length));
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
