//! The settings: one typed tree, read in layers. `default.toml` holds both the defaults and their manual.

mod bounds;
mod error;
mod load;
mod secret;
mod secret_files;
mod settings;
mod source;

pub use error::ConfigError;
pub use load::{DEFAULT_TOML, Overrides};
pub use secret::{SecretKey, SecretUrl};
pub use settings::{
    ChatConfig, Config, EmbedderConfig, GeneratorConfig, IngestConfig, RerankerConfig, RetrievalConfig,
    SandboxPolicy, ServerConfig, VectorsConfig, WebConfig,
};
pub use source::{SourceConfig, SourceLocation};
