//! Reads the settings in layers: defaults, file, environment, flags.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use config::builder::DefaultState;
use config::{ConfigBuilder, Environment, File, FileFormat};

use super::bounds::checked;
use super::error::ConfigError;
use super::secret_files;
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
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let variables = settings_of(environment)?;
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
            .list_separator(",")
            .with_list_parse_key("server.public_names")
            .with_list_parse_key("web.allowed_hosts")
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
        checked(secret_files::read(config)?)
    }
}

/// The variables that are settings: `DAEDAP_TEST_*` steer tests. Others may hold any bytes.
fn settings_of(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<HashMap<String, String>, ConfigError> {
    let mut settings = HashMap::new();
    for (name, value) in environment {
        let Ok(name) = name.into_string() else { continue };
        if name.starts_with("DAEDAP_") && !name.starts_with("DAEDAP_TEST_") {
            let Ok(value) = value.into_string() else { return Err(ConfigError::NotText(name)) };
            settings.insert(name, value);
        }
    }
    Ok(settings)
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
mod tests;
