//! Why settings are refused.

use std::io;
use std::path::PathBuf;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or a variable names an unknown setting, or gives a value of the wrong type.
    #[error("cannot read the settings: {0}")]
    Unreadable(#[from] config::ConfigError),
    /// A value is out of its bounds.
    #[error("the setting `{setting}` {reason}")]
    OutOfBounds {
        /// Its dotted name.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file that holds a secret cannot be read.
    #[error("cannot read the setting `{setting}` from `{}`: {error}", file.display())]
    SecretFile {
        /// The dotted name of the setting.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// An environment variable that is a setting is not text.
    #[error("the environment variable `{0}` is not UTF-8")]
    NotText(String),
    /// The user has no home directory, and no data directory was named.
    #[error("no home directory; name a data directory with --data-dir or DAEDAP_DATA_DIR")]
    NoHome,
}
