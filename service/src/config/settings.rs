//! The tree of settings. What each means stands in `default.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use fetch::AllowedHost;
use retriever::Fusion;
use serde::{Deserialize, Serialize};

use super::secret::{SecretKey, SecretUrl};
use super::source::SourceConfig;

/// All settings.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub data_dir: PathBuf,
    pub models_dir: PathBuf,
    pub model: String,
    pub listen: SocketAddr,
    pub database_url: SecretUrl,
    pub database_url_file: PathBuf,
    pub originals_url: SecretUrl,
    pub sources: Vec<SourceConfig>,
    pub server: ServerConfig,
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
pub struct ServerConfig {
    pub public_names: Vec<String>,
    pub connections: usize,
    pub connections_per_address: usize,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct VectorsConfig {
    pub url: SecretUrl,
    pub api_key: SecretKey,
    pub api_key_file: PathBuf,
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
    pub url: SecretUrl,
    pub api_key: SecretKey,
    pub api_key_file: PathBuf,
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
    pub sandbox: SandboxPolicy,
    pub retries: u32,
    pub retry_seconds: u64,
    pub keep_versions: u32,
}

/// What happens where the system cannot confine the processes that parse completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxPolicy {
    /// Nothing is parsed.
    Required,
    /// The log says what is missing.
    BestEffort,
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
    pub parallel: usize,
    pub queue_length: usize,
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

impl Config {
    /// The effective settings as TOML, secrets hidden.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}
