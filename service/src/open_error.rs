//! Why a part of the service cannot be opened.

use domain::Cause;

/// A part of the service cannot be opened: a model is missing, an index is damaged, a file is unusable.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(Cause);

impl From<anyhow::Error> for OpenError {
    fn from(error: anyhow::Error) -> Self {
        Self(error.into())
    }
}
