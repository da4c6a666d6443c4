//! Connects to a Qdrant server.

use std::time::Duration;

use domain::VectorStoreError;
use qdrant_client::Qdrant;
use secrecy::{ExposeSecret, SecretString};

use super::error::map_error;

/// Maximum time for any response; a large removal waits until it is complete.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The server and its collection.
#[derive(Clone)]
pub struct QdrantOptions {
    /// URL of its gRPC interface, such as `http://localhost:6334`.
    pub url: String,
    /// Its API key, if it requires one.
    pub api_key: Option<SecretString>,
    /// Name of the Qdrant collection that holds all chunks; it is created when absent.
    pub collection: String,
}

pub(super) fn connect(options: &QdrantOptions) -> Result<Qdrant, VectorStoreError> {
    Qdrant::from_url(&options.url)
        .api_key(options.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        // It prints to standard output, where `--json` writes.
        .skip_compatibility_check()
        .build()
        .map_err(map_error)
}
