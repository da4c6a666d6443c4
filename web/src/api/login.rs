//! Signing a browser in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The code of a link that the server or `daedap login` printed.
    pub code: String,
}

/// A new one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginCode {
    /// The code.
    pub code: String,
    /// The link that signs a browser in with it: a path and a fragment of this server.
    #[schema(example = "/#/login/8f14e45fceea167a5a36dedd4bea2543")]
    pub link: String,
    /// Seconds for which it works.
    pub expires_in_seconds: u64,
}
