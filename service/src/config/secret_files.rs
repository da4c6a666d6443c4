//! Reads secrets from the files that the settings name, so that they need not be in a configuration file or a variable.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::ConfigError;
use super::secret::{SecretKey, SecretUrl};
use super::settings::Config;

/// Maximum size of such a file.
const MAX_BYTES: u64 = 64 * 1024;

/// The settings, with the secrets from their files.
pub(super) fn read(mut config: Config) -> Result<Config, ConfigError> {
    if let Some(url) = secret("database_url", &config.database_url_file, config.database_url.is_empty())? {
        config.database_url = SecretUrl::from(url.as_str());
    }
    let vectors = &mut config.vectors;
    if let Some(key) = secret("vectors.api_key", &vectors.api_key_file, vectors.api_key.is_empty())? {
        vectors.api_key = SecretKey::from(key.as_str());
    }
    let generator = &mut config.generator;
    if let Some(key) = secret("generator.api_key", &generator.api_key_file, generator.api_key.is_empty())? {
        generator.api_key = SecretKey::from(key.as_str());
    }
    Ok(config)
}

/// The secret in the file, without white space around it; `None` where no file is named.
fn secret(setting: &'static str, file: &Path, is_unset: bool) -> Result<Option<String>, ConfigError> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    if !is_unset {
        let reason = format!("is set, and `{setting}_file`, too; set only one of them");
        return Err(ConfigError::OutOfBounds { setting, reason });
    }
    let unreadable = |error| ConfigError::SecretFile { setting, file: file.to_owned(), error };
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    match text.trim() {
        "" => Err(unreadable(io::Error::other("the file is empty"))),
        secret => Ok(Some(secret.to_owned())),
    }
}
